import { Button, Group, Radio, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import '@mantine/core/styles/RadioCard.layer.css'
import '@mantine/core/styles/RadioIndicator.layer.css'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { Field, field } from '../../components/Field'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { Forbidden, ProblemAlert } from '../../components/States'
import { useSubmit } from '../../lib/form'
import { useLanguage, useT, type Language } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { startingPoint, trades, voiceFor, type Trade } from './startingPoints'

type From = Trade | 'scratch'

// The server's own minimum; a shorter name comes back as a field error.
const NAME_MIN = 3

export function NewAssistantPage() {
  const t = useT()
  const { can } = useHere()
  if (!can('assistants.manage')) return <Forbidden level={1} />
  return (
    <Page title={t('assistants.new')} description={t('assistants.newText')} size="md">
      <NewAssistant />
    </Page>
  )
}

function NewAssistant() {
  const t = useT()
  const org = useOrg()
  const { organization } = useHere()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const reader = useLanguage()
  const group = useId()
  const [from, setFrom] = useState<From>('scratch')
  const [language, setLanguage] = useState<Language>(reader)
  const point = from === 'scratch' ? undefined : startingPoint(from, language, organization?.name ?? '')
  const form = useForm({
    mode: 'controlled',
    initialValues: { name: '' },
    validate: { name: (value) => (value.trim().length >= NAME_MIN ? null : t('assistants.nameShort', { count: NAME_MIN })) },
  })
  // A name nobody typed follows the starting point.
  const [named, setNamed] = useState(false)
  const choose = (next: From, spoken: Language) => {
    setFrom(next)
    setLanguage(spoken)
    if (!named) form.setFieldValue('name', next === 'scratch' ? '' : startingPoint(next, spoken, organization?.name ?? '').name)
  }
  const { submit, failure, busy } = useSubmit(form, ({ name }) => pb.collection('assistants').create<{ id: string }>({
    organization: org, name: name.trim(), type: 'voice', status: 'active', language, voice_provider: voiceFor[language],
    ...(point && {
      description: point.description, first_message: point.greeting, system_prompt: point.prompt, personality: point.personality,
      end_call_message: point.goodbye, end_call_phrases: point.endCallPhrases,
    }),
  }, { fields: 'id' }), ({ id }) => {
    void queries.invalidateQueries({ queryKey: [org, 'assistants'] })
    void navigate({ to: areaPath(org, `assistants/${id}`), replace: true })
  })

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <ProblemAlert problem={failure} />
        <Section title={t('assistants.from.title')} text={t('assistants.from.text')}>
          <Field label={t('assistants.from.language')}>
            {(ids) => (
              <div>
                <SegmentedControl {...ids} value={language} data={[{ value: 'fr', label: 'Français' }, { value: 'en', label: 'English' }]} onChange={(value) => choose(from, value as Language)} />
              </div>
            )}
          </Field>
          <Radio.Group label={t('assistants.from.trade')} value={from} onChange={(value) => choose(value as From, language)} name={group}>
            <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs" mt={4}>
              {(['scratch', ...trades] as const).map((one) => (
                <Radio.Card key={one} value={one} p="sm" radius="md" style={{ display: 'flex', alignItems: 'flex-start' }} aria-label={t(`assistants.trades.${one}`)}>
                  <Group wrap="nowrap" gap="sm" align="flex-start">
                    <Radio.Indicator mt={2} />
                    <div>
                      <Text size="sm" fw={550}>{t(`assistants.trades.${one}`)}</Text>
                      <Text size="xs" c="dimmed">{t(`assistants.tradeTexts.${one}`)}</Text>
                    </div>
                  </Group>
                </Radio.Card>
              ))}
            </SimpleGrid>
          </Radio.Group>
        </Section>
        {point && (
          <Section title={t('assistants.preview.title')} text={t('assistants.preview.text')}>
            <Stack gap="xs">
              <Text size="sm" fw={550}>{t('assistants.greeting')}</Text>
              <Text size="sm" lang={language}>{point.greeting}</Text>
              <Text size="sm" fw={550}>{t('assistants.prompt')}</Text>
              {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keys */}
              <div tabIndex={0} role="region" aria-label={t('assistants.prompt')} lang={language} style={{ maxHeight: '14rem', overflowY: 'auto', whiteSpace: 'pre-wrap', fontSize: 'var(--mantine-font-size-sm)', color: 'var(--mantine-color-dimmed)' }}>{point.prompt}</div>
            </Stack>
          </Section>
        )}
        <Section title={t('assistants.nameIt')}>
          <TextInput label={t('assistants.name')} description={t('assistants.nameHint')} placeholder={t('assistants.nameExample')} {...field(form, 'name', limits.assistants.name)}
            onChange={(event) => {
              setNamed(event.currentTarget.value !== '')
              form.setFieldValue('name', event.currentTarget.value)
            }} />
          <div><Button type="submit" loading={busy}>{t('assistants.create')}</Button></div>
        </Section>
      </Stack>
    </form>
  )
}
