import { Alert, Anchor, Button, Group, List, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import '@mantine/core/styles/List.layer.css'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowRight, CircleCheck, CircleDashed } from 'lucide-react'
import { useState } from 'react'
import { field } from '../../components/Field'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { ProblemAlert } from '../../components/States'
import { TradeSelect } from '../../components/TradeSelect'
import { api } from '../../lib/api'
import { useSubmit } from '../../lib/form'
import { browserZone, zoneChoices } from '../../lib/format'
import { useLanguage, useT } from '../../lib/i18n'
import { useSaid } from '../../lib/said'
import { useHere } from '../../lib/session'
import { countries } from '../settings/data'

const steps = ['basics', 'place', 'assistant'] as const
type StepName = (typeof steps)[number]

interface Answer {
  company: { id: string; name: string; setup_steps_completed: Record<string, boolean> }
  is_first_organization: boolean
  steps?: { step: string; done: boolean; reason?: string }[]
}

const none = {
  companyName: '',
  companySize: 'small',
  industry: '',
  description: '',
  country: '',
  timezone: '',
  language: 'en',
  businessHours: 'weekdays',
  withAssistant: true,
  assistantName: '',
  assistantGreeting: '',
}
const needed: Record<StepName, readonly (keyof typeof none)[]> = {
  basics: ['companyName', 'industry'],
  place: [],
  assistant: ['assistantName'],
}

/** A new organization in three short steps. What the server could not do yet is said afterwards, step by step. */
export function NewClientPage() {
  const t = useT()
  const language = useLanguage()
  const queries = useQueryClient()
  const { places } = useHere()
  const [at, setAt] = useState(0)
  const [made, setMade] = useState<Answer>()
  const form = useForm({
    mode: 'controlled',
    initialValues: { ...none, timezone: browserZone(), language },
    validate: {
      companyName: (value) => (value.trim() ? null : t('errors.field.required')),
      industry: (value) => (value.trim() ? null : t('errors.field.required')),
      assistantName: (value, values) =>
        !values.withAssistant || value.trim().length >= 3 ? null : t('agency.new.assistantShort'),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    (v) =>
      api.post<Answer>('/api/organizations/create', {
        companyName: v.companyName.trim(),
        companySize: v.companySize,
        industry: v.industry.trim(),
        timezone: v.timezone,
        language: v.language,
        businessHours: v.businessHours,
        ...(v.description.trim() && { description: v.description.trim() }),
        ...(v.country && { country: v.country }),
        ...(v.withAssistant && {
          assistantName: v.assistantName.trim(),
          assistantLanguage: v.language === 'fr' ? 'fr-FR' : 'en-US',
          ...(v.assistantGreeting.trim() && { assistantGreeting: v.assistantGreeting.trim() }),
        }),
      }),
    (answer) => {
      setMade(answer)
      void queries.invalidateQueries({ queryKey: ['me'] })
    },
  )
  if (made) return <Made answer={made} />
  const step = steps[at]!
  const last = at === steps.length - 1
  const forward = () => {
    const wrong = needed[step].filter((name) => form.validateField(name).hasError)
    if (wrong.length === 0) setAt(at + 1)
    else form.getInputNode(wrong[0]!)?.focus()
  }
  return (
    <Page title={t('agency.new.title')} description={t('agency.new.step', { at: at + 1, of: steps.length })} size="sm"
      {...(places.length > 0 && { back: { to: '/agency', label: t('agency.title') } })}>
      <form noValidate onSubmit={(event) => {
        if (last) return submit(event)
        event.preventDefault()
        forward()
      }}>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          {step === 'basics' && (
            <Section title={t('agency.new.basics')}>
              <TextInput
                label={t('settings.details.name')}
                autoFocus
                {...field(form, 'companyName', { required: true, max: 100 })}
              />
              <TradeSelect
                label={t('settings.details.industry')}
                {...field(form, 'industry', { required: true })}
                value={form.values.industry}
                onChange={(value) => form.setFieldValue('industry', value ?? '')}
              />
              <Select
                label={t('settings.details.size')}
                allowDeselect={false}
                data={(['small', 'medium', 'large'] as const).map((value) => ({
                  value,
                  label: t(`settings.sizes.${value}`),
                }))}
                {...field(form, 'companySize')}
              />
              <Textarea
                label={t('settings.details.description')}
                autosize
                minRows={2}
                {...field(form, 'description', { max: 500 })}
              />
            </Section>
          )}
          {step === 'place' && (
            <Section title={t('agency.new.place')}>
              <Select
                label={t('settings.details.country')}
                searchable
                clearable
                clearButtonProps={{ 'aria-label': t('actions.clear') }}
                data={countries(language)}
                {...field(form, 'country')}
                value={form.values.country || null}
                onChange={(value) => form.setFieldValue('country', value ?? '')}
              />
              <Select
                label={t('settings.details.zone')}
                description={t('settings.details.zoneHint')}
                searchable
                allowDeselect={false}
                limit={60}
                data={zoneChoices(form.values.timezone)}
                {...field(form, 'timezone')}
              />
              <Select
                label={t('settings.details.language')}
                description={t('settings.details.languageHint')}
                allowDeselect={false}
                data={[
                  { value: 'en', label: 'English' },
                  { value: 'fr', label: 'Français' },
                ]}
                {...field(form, 'language')}
              />
              <Select
                label={t('settings.nav.hours')}
                description={t('agency.new.hoursHint')}
                allowDeselect={false}
                data={[
                  { value: 'weekdays', label: t('agency.new.weekdays') },
                  { value: '24/7', label: t('settings.hours.always') },
                ]}
                {...field(form, 'businessHours')}
              />
            </Section>
          )}
          {step === 'assistant' && (
            <Section title={t('agency.new.assistant')} text={t('agency.new.assistantText')}>
              <Switch
                label={t('agency.new.withAssistant')}
                checked={form.values.withAssistant}
                onChange={(event) => form.setFieldValue('withAssistant', event.currentTarget.checked)}
              />
              {form.values.withAssistant && (
                <>
                  <TextInput
                    label={t('agency.new.assistantName')}
                    {...field(form, 'assistantName', { required: true, max: 100 })}
                  />
                  <Textarea
                    label={t('agency.new.greeting')}
                    description={t('agency.new.greetingHint')}
                    autosize
                    minRows={2}
                    {...field(form, 'assistantGreeting', { max: 1000 })}
                  />
                </>
              )}
            </Section>
          )}
          <Group justify="space-between">
            {at > 0 ? (
              <Button variant="default" onClick={() => setAt(at - 1)}>
                {t('agency.new.back')}
              </Button>
            ) : (
              <span />
            )}
            <Button type="submit" loading={busy} rightSection={last ? undefined : <ArrowRight size={16} aria-hidden />}>
              {t(last ? 'agency.new.create' : 'agency.new.next')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  )
}

const known = ['basics', 'phone', 'integration', 'assistant', 'goals'] as const

/** What is ready and what is left to do. */
function Made({ answer: { company, steps: told } }: { answer: Answer }) {
  const t = useT()
  const say = useSaid()
  const rows = known.map((name) => ({
    name,
    done: company.setup_steps_completed[name] === true,
    reason: say(told?.find((s) => s.step === name)?.reason ?? ''),
  }))
  return (
    <Page title={t('agency.new.made', { name: company.name })} size="sm">
      <Section title={t('agency.new.steps')} text={t('agency.new.stepsText')}>
        <List spacing="sm" listStyleType="none" center={false}>
          {rows.map(({ name, done, reason }) => (
            <List.Item
              key={name}
              icon={
                done ? (
                  <CircleCheck size={20} aria-hidden color="var(--mantine-color-anchor)" />
                ) : (
                  <CircleDashed size={20} aria-hidden color="var(--mantine-color-dimmed)" />
                )
              }
            >
              <Text size="sm" fw={550}>
                {t(`agency.new.known.${name}`)}
              </Text>
              <Text size="sm" c="dimmed">
                {done ? t('agency.new.ready') : reason || t('agency.new.left')}
              </Text>
            </List.Item>
          ))}
        </List>
      </Section>
      {!company.setup_steps_completed.phone && (
        <Alert color="blue" variant="light">
          {t('agency.new.phoneNext')}{' '}
          <Anchor component={Link} to={`/o/${company.id}/numbers/new`}>
            {t('agency.new.phoneAdd')}
          </Anchor>
        </Alert>
      )}
      <Group>
        <Button
          component={Link}
          to="/o/$org"
          params={{ org: company.id } as never}
          rightSection={<ArrowRight size={16} aria-hidden />}
        >
          {t('agency.new.open')}
        </Button>
      </Group>
    </Page>
  )
}
