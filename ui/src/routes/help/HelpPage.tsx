import { Accordion, Anchor, List, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Accordion.layer.css'
import '@mantine/core/styles/List.layer.css'
import { useQuery } from '@tanstack/react-query'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { operatorQuery } from '../../lib/desk'
import { useT } from '../../lib/i18n'
import { isPhone } from '../../lib/phone'
import { useMe } from '../../lib/session'
import { useAreas } from '../../shell/areas'
import { Keys } from '../../shell/Help'

const guides = ['begin', 'callBack', 'people', 'assistant', 'number', 'team', 'privacy'] as const
const steps = ['one', 'two', 'three', 'four'] as const

/** How things are done, whom to ask, which version this is, and the keys. */
export function HelpPage() {
  const t = useT()
  const me = useMe()
  const areas = useAreas()
  const { data: desk } = useQuery(operatorQuery(me?.id ?? ''))
  return (
    <Page title={t('help.page')} description={t('guides.text')} size="md">
      <Stack gap="md">
        <Section title={t('guides.title')}>
          <Accordion variant="separated" order={3}>
            {guides.map((guide) => (
              <Accordion.Item key={guide} value={guide}>
                <Accordion.Control>{t(`guides.${guide}.title`)}</Accordion.Control>
                <Accordion.Panel>
                  <List type="ordered" size="sm" spacing="xs">
                    {steps.map((step) => <List.Item key={step}>{t(`guides.${guide}.${step}`)}</List.Item>)}
                  </List>
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
        </Section>
        <Section title={t('guides.ask')}>
          <Text size="sm">
            {desk?.help_contact ? t('guides.reach') : t('guides.askNobody')}{' '}
            {desk?.help_contact && <Contact text={desk.help_contact} />}
          </Text>
          {desk && <Text size="sm" c="dimmed">{t('guides.version', { version: desk.version })}</Text>}
        </Section>
        <Section title={t('help.title')}>
          <Keys areas={areas} />
        </Section>
      </Stack>
    </Page>
  )
}

/** A mail address, a phone number or a web address leads there; anything else is words. */
function Contact({ text }: { text: string }) {
  const href = /^https?:\/\/\S+$/.test(text) ? text
    : /^[^\s@]+@[^\s@]+$/.test(text) ? `mailto:${text}`
      : isPhone(text) ? `tel:${text.replace(/[^+\d]/g, '')}` : undefined
  if (!href) return <bdi>{text}</bdi>
  return <Anchor href={href} size="sm" rel="noreferrer"><bdi>{text}</bdi></Anchor>
}
