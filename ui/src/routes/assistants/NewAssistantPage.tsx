import { Radio, Stack, Text, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useId, useState } from 'react'
import { field } from '../../components/Field'
import { RadioCards } from '../../components/RadioCards'
import { NewPage } from '../../components/RecordPage'
import { Section } from '../../components/Section'
import { useLanguage, useT, type Language, type T } from '../../lib/i18n'
import { limits, trades } from '../../lib/pb-types.gen'
import { useHere } from '../../lib/session'
import { tradeOf, type Trade } from '../../lib/trades'
import { CallersLanguage } from './CallersLanguage'
import { assistantKind } from './data'
import { newAssistant, startingPoint } from './startingPoints'

// The server's own minimum; a shorter name comes back as a field error.
const NAME_MIN = 3

const problems = ({ name }: { name: string }, t: T): { name?: string } =>
  (name.trim().length >= NAME_MIN ? {} : { name: t('assistants.nameShort', { count: NAME_MIN }) })

export function NewAssistantPage() {
  const t = useT()
  const { organization } = useHere()
  const reader = useLanguage()
  const group = useId()
  const business = organization?.name ?? ''
  const [from, setFrom] = useState<Trade>(tradeOf(organization?.industry))
  const [language, setLanguage] = useState<Language>(reader)
  const point = startingPoint(from, language, business)
  const [start] = useState({ name: point?.name ?? '' })
  // A name nobody typed follows the starting point.
  const [named, setNamed] = useState(false)
  const toBody = ({ name }: { name: string }) => newAssistant(from, language, business, name)
  const choose = (form: UseFormReturnType<{ name: string }>, next: Trade, spoken: Language) => {
    setFrom(next)
    setLanguage(spoken)
    if (!named) form.setFieldValue('name', startingPoint(next, spoken, business)?.name ?? '')
  }
  return (
    <NewPage
      of={{ ...assistantKind, start, toBody, problems }}
      text={t('assistants.newText')}
      create={t('assistants.create')}
    >
      {({ form }) => (
        <>
          <Section title={t('assistants.from.title')} text={t('assistants.from.text')}>
            <CallersLanguage value={language} onChange={(spoken) => choose(form, from, spoken)} />
            <Radio.Group
              label={t('assistants.from.trade')}
              value={from}
              onChange={(value) => choose(form, value as Trade, language)}
              name={group}
            >
              <RadioCards cols={{ base: 1, xs: 2, md: 3 }} mt={4} ways={trades.map((one) => ({
                value: one, label: t(`trades.${one}`), text: t(`assistants.tradeTexts.${one}`),
              }))} />
            </Radio.Group>
          </Section>
          {point && (
            <Section title={t('assistants.preview.title')} text={t('assistants.preview.text')}>
              <Stack gap="xs">
                <Text size="sm" fw={550}>{t('assistants.greeting')}</Text>
                <Text size="sm" lang={language}>{point.greeting}</Text>
                <Text size="sm" fw={550}>{t('assistants.prompt')}</Text>
                <div
                  // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keys
                  tabIndex={0}
                  role="region"
                  aria-label={t('assistants.prompt')}
                  lang={language}
                  style={{
                    maxHeight: '14rem',
                    overflowY: 'auto',
                    whiteSpace: 'pre-wrap',
                    fontSize: 'var(--mantine-font-size-sm)',
                    color: 'var(--mantine-color-dimmed)',
                  }}
                >
                  {point.prompt}
                </div>
              </Stack>
            </Section>
          )}
          <Section title={t('assistants.nameIt')}>
            <TextInput
              label={t('assistants.name')}
              description={t('assistants.nameHint')}
              placeholder={t('assistants.nameExample')}
              {...field(form, 'name', limits.assistants.name)}
              onChange={(event) => {
                setNamed(event.currentTarget.value !== '')
                form.setFieldValue('name', event.currentTarget.value)
              }} />
          </Section>
        </>
      )}
    </NewPage>
  )
}
