import { Alert, Anchor, Autocomplete, Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Switch, TagsInput, Text, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { Pencil, Plus, SquareFunction, TriangleAlert } from 'lucide-react'
import { field } from '../../components/Field'
import { Section } from '../../components/Section'
import { EmptyState, ErrorState, SkeletonAfter200ms } from '../../components/States'
import { number as formatted } from '../../lib/format'
import { useLanguage, useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { phone } from '../../lib/phone'
import { useOptions } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { answeredFields, offeredFields, type AnsweredNumber, type Assistant, type OfferedFunction } from './data'
import type { AssistantForm } from './form'
import { hasStability, languageName, languages, models, providerNames, speedRange, transcriberModels, voices } from './providers'

export interface TabProps {
  form: UseFormReturnType<AssistantForm>
  writable: boolean
  record: Assistant
}

const max = limits.assistants

/** Props of a text field, read-only for those who may not write. */
const text = ({ form, writable }: TabProps, name: keyof AssistantForm & keyof typeof max & string) => {
  const limit = max[name] as { required?: boolean; max?: number }
  return { ...field(form, name, limit), readOnly: !writable }
}
/** The same without a length: numbers, choices and lists have other limits. */
const other = ({ form, writable }: TabProps, name: keyof AssistantForm & string) => ({ ...field(form, name), readOnly: !writable })

export function Overview(props: TabProps) {
  const t = useT()
  const org = useOrg()
  const language = useLanguage()
  const { record } = props
  const numbers = useOptions<AnsweredNumber>(org, 'phone_numbers', answeredFields, 'friendly_name')
  const mine = numbers.data?.filter((number) => number.assistant === record.id)
  return (
    <Stack gap="md">
      <Section title={t('assistants.sections.about')}>
        <TextInput label={t('assistants.fields.name')} {...text(props, 'name')} />
        <Textarea label={t('assistants.fields.description')} description={t('assistants.hints.description')} autosize minRows={2} {...text(props, 'description')} />
      </Section>
      <Section title={t('assistants.sections.phone')}>
        {mine && mine.length === 0 && (
          <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
            {t('assistants.unreachable')} <Anchor component={Link} to={areaPath(org, 'numbers')} size="sm">{t('assistants.chooseNumber')}</Anchor>
          </Alert>
        )}
        {mine?.map((number) => (
          <Group key={number.id} gap="xs">
            <Anchor component={Link} to={areaPath(org, `numbers/${number.id}`)} className="pl-tabular" fw={550}>{phone(number.phone_number) || t('numbers.pendingNumber')}</Anchor>
            <Text size="sm" c="dimmed">{number.friendly_name}</Text>
          </Group>
        ))}
        <Text size="sm" c="dimmed">
          {t('assistants.speaks', {
            language: languageName(record.language, language),
            voice: record.voice_id ? `${record.voice_id} (${providerNames[record.voice_provider || 'vapi']})` : t('assistants.providerDecides'),
            model: record.model_name || t('assistants.providerDecides'),
          })}
        </Text>
      </Section>
    </Stack>
  )
}

export function Behaviour(props: TabProps) {
  const t = useT()
  const { form } = props
  return (
    <Stack gap="md">
      <Section title={t('assistants.sections.says')}>
        <Textarea label={t('assistants.fields.first_message')} description={t('assistants.hints.first_message')} autosize minRows={2} {...text(props, 'first_message')} />
        <Textarea label={t('assistants.fields.system_prompt')} autosize minRows={8} maxRows={26} {...text(props, 'system_prompt')}
          description={`${t('assistants.hints.system_prompt')} ${t('assistants.characters', { used: formatted(form.values.system_prompt.length), most: formatted(max.system_prompt.max) })}`} />
        <Textarea label={t('assistants.fields.personality')} description={t('assistants.hints.personality')} autosize minRows={2} maxRows={8} {...text(props, 'personality')} />
      </Section>
      <Section title={t('assistants.sections.ending')}>
        <Switch
          label={t('assistants.fields.end_call_disabled')}
          description={t('assistants.hints.end_call_disabled')}
          disabled={!props.writable}
          checked={!form.values.end_call_disabled}
          onChange={(event) => form.setFieldValue('end_call_disabled', !event.currentTarget.checked)}
        />
        <Textarea label={t('assistants.fields.end_call_message')} description={t('assistants.hints.end_call_message')} autosize minRows={1} {...text(props, 'end_call_message')} />
        <TagsInput label={t('assistants.fields.end_call_phrases')} description={t('assistants.hints.end_call_phrases')} splitChars={[',', ';']} {...other(props, 'end_call_phrases')} />
        <SimpleGrid cols={{ base: 1, xs: 2 }} style={{ alignItems: 'end' }}>
          <NumberInput label={t('assistants.fields.max_duration_seconds')} description={t('assistants.hints.max_duration_seconds')} suffix=" s" min={10} max={max.max_duration_seconds.max} step={60} allowDecimal={false} {...other(props, 'max_duration_seconds')} />
          <NumberInput label={t('assistants.fields.silence_timeout_seconds')} description={t('assistants.hints.silence_timeout_seconds')} suffix=" s" min={5} max={max.silence_timeout_seconds.max} step={5} allowDecimal={false} {...other(props, 'silence_timeout_seconds')} />
        </SimpleGrid>
      </Section>
      <Section title={t('assistants.sections.model')} text={t('assistants.hints.model')}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} style={{ alignItems: 'end' }}>
          <Select label={t('assistants.fields.model_provider')} allowDeselect={false} data={max.model_provider.values.map((value) => ({ value, label: providerNames[value] }))} {...other(props, 'model_provider')}
            onChange={(value) => {
              if (!value) return
              const provider = value as keyof typeof models
              form.setValues({ model_provider: provider, model_name: models[provider]?.[0] ?? '' })
            }} />
          <Autocomplete label={t('assistants.fields.model_name')} description={t('assistants.hints.anyName')} data={[...(models[form.values.model_provider as keyof typeof models] ?? [])]} {...text(props, 'model_name')} />
          <NumberInput label={t('assistants.fields.model_temperature')} description={t('assistants.hints.model_temperature')} min={max.model_temperature.min} max={max.model_temperature.max} step={0.1} decimalScale={2} {...other(props, 'model_temperature')} />
          <NumberInput label={t('assistants.fields.model_max_tokens')} description={t('assistants.hints.model_max_tokens')} placeholder={t('assistants.providerDecides')} min={50} max={max.model_max_tokens.max} step={50} allowDecimal={false} {...other(props, 'model_max_tokens')} />
        </SimpleGrid>
      </Section>
    </Stack>
  )
}

export function Voice(props: TabProps) {
  const t = useT()
  const reader = useLanguage()
  const { form, writable } = props
  const { voice_provider: provider, transcriber_provider: listener, language } = form.values
  const speed = speedRange(provider, max.voice_speed)
  const offered = languages.map((code) => ({ value: code as string, label: languageName(code, reader) }))
  const known = !language || offered.some((one) => one.value === language)
  return (
    <Stack gap="md">
      <Section title={t('assistants.fields.language')} text={t('assistants.hints.language')}>
        <Select aria-label={t('assistants.fields.language')} searchable allowDeselect={false} styles={{ wrapper: { maxWidth: 320 } }} nothingFoundMessage={t('palette.nothing')}
          data={known ? offered : [{ value: language, label: languageName(language, reader) }, ...offered]} {...other(props, 'language')}
          onChange={(value) => value && form.setFieldValue('language', value)} />
      </Section>
      <Section title={t('assistants.sections.voice')}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} style={{ alignItems: 'end' }}>
          <Select label={t('assistants.fields.voice_provider')} searchable allowDeselect={false} data={max.voice_provider.values.map((value) => ({ value, label: providerNames[value] }))} {...other(props, 'voice_provider')}
            onChange={(value) => {
              if (!value) return
              const next = value as keyof typeof voices
              // A voice belongs to its provider, and so does the range of its speed.
              form.setValues({ voice_provider: next, voice_id: voices[next]?.[0] ?? '', voice_model: '', voice_speed: '', voice_stability: 0.5 })
            }} />
          <Autocomplete label={t('assistants.fields.voice_id')} description={t('assistants.hints.anyName')} data={[...(voices[provider as keyof typeof voices] ?? [])]} {...text(props, 'voice_id')} />
          <TextInput label={t('assistants.fields.voice_model')} placeholder={t('assistants.providerDecides')} {...text(props, 'voice_model')} />
          {speed
            ? <NumberInput label={t('assistants.fields.voice_speed')} placeholder={t('assistants.providerDecides')} min={speed[0]} max={speed[1]} step={0.05} decimalScale={2} {...other(props, 'voice_speed')}
                description={t('assistants.hints.voice_speed', { min: formatted(speed[0]), max: formatted(speed[1]), provider: providerNames[provider || 'vapi'] })} />
            : <Text size="sm" c="dimmed" pt="xl">{t('assistants.hints.noSpeed', { provider: providerNames[provider || 'vapi'] })}</Text>}
          {hasStability(provider) && (
            <NumberInput label={t('assistants.fields.voice_stability')} description={t('assistants.hints.voice_stability')} min={max.voice_stability.min} max={max.voice_stability.max} step={0.05} decimalScale={2} {...other(props, 'voice_stability')} />
          )}
        </SimpleGrid>
      </Section>
      <Section title={t('assistants.sections.hearing')} text={t('assistants.hints.hearing')}>
        <SimpleGrid cols={{ base: 1, xs: 2 }} style={{ alignItems: 'end' }}>
          <Select label={t('assistants.fields.transcriber_provider')} searchable allowDeselect={false} data={max.transcriber_provider.values.map((value) => ({ value, label: providerNames[value] }))} {...other(props, 'transcriber_provider')}
            onChange={(value) => {
              if (!value || !writable) return
              const next = value as keyof typeof transcriberModels
              form.setValues({ transcriber_provider: next, transcriber_model: transcriberModels[next]?.[0] ?? '', transcriber_language: '' })
            }} />
          <Autocomplete label={t('assistants.fields.transcriber_model')} description={t('assistants.hints.anyName')} data={[...(transcriberModels[listener as keyof typeof transcriberModels] ?? [])]} {...text(props, 'transcriber_model')} />
          <TextInput label={t('assistants.fields.transcriber_language')} description={t('assistants.hints.transcriber_language')} placeholder={language} {...text(props, 'transcriber_language')} />
        </SimpleGrid>
      </Section>
    </Stack>
  )
}

export function Functions({ form, writable, onEdit }: TabProps & { onEdit: (id: string) => void }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const manage = can('functions.manage')
  const offered = useOptions<OfferedFunction>(org, 'functions', offeredFields, 'name')
  const chosen = form.values.functions
  const create = manage && <Button variant="default" leftSection={<Plus size={16} aria-hidden />} onClick={() => onEdit('')}>{t('functions.new')}</Button>
  return (
    <Section title={t('assistants.tabs.functions')} text={t('assistants.hints.functions')} actions={create || undefined}>
      {offered.isPending && <SkeletonAfter200ms lines={3} />}
      {offered.error && !offered.data && <ErrorState error={offered.error} onRetry={() => void offered.refetch()} />}
      {offered.data?.length === 0 && <EmptyState icon={SquareFunction} title={t('functions.empty.title')} text={t('functions.empty.text')} />}
      {form.errors.functions && <Text size="sm" c="var(--mantine-color-error)" role="alert">{form.errors.functions}</Text>}
      <Stack gap="sm">
        {offered.data?.map((one) => {
          const on = chosen.includes(one.id)
          return (
            <Group key={one.id} wrap="nowrap" justify="space-between" align="flex-start" gap="xs">
              <Checkbox label={one.name} description={one.description || undefined} checked={on} className="pl-wrap"
                // Full is full: the server takes no more.
                disabled={!writable || (!on && chosen.length >= max.functions.max)}
                onChange={(event) => form.setFieldValue('functions', event.currentTarget.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))} />
              <Group gap="xs" wrap="nowrap">
                {!one.is_active && <Text size="xs" c="dimmed">{t('functions.off')}</Text>}
                <Button size="compact-sm" variant="subtle" leftSection={manage ? <Pencil size={14} aria-hidden /> : undefined} aria-label={t(manage ? 'functions.editOne' : 'functions.viewOne', { name: one.name })} onClick={() => onEdit(one.id)}>
                  {t(manage ? 'functions.edit' : 'functions.view')}
                </Button>
              </Group>
            </Group>
          )
        })}
      </Stack>
    </Section>
  )
}

export function Handoff(props: TabProps) {
  const t = useT()
  return (
    <Stack gap="md">
      <Section title={t('assistants.sections.handoff')}>
        <TextInput type="tel" label={t('assistants.fields.forwarding_phone_number')} description={t('assistants.hints.forwarding_phone_number')} placeholder="+33 1 23 45 67 89" styles={{ wrapper: { maxWidth: 360 } }} {...text(props, 'forwarding_phone_number')} />
      </Section>
      <Section title={t('assistants.sections.voicemail')}>
        <Textarea label={t('assistants.fields.voicemail_message')} description={t('assistants.hints.voicemail_message')} autosize minRows={2} {...text(props, 'voicemail_message')} />
      </Section>
    </Stack>
  )
}

export function Privacy({ form, writable }: TabProps) {
  const t = useT()
  return (
    <Section title={t('assistants.sections.recording')}>
      <Switch label={t('assistants.fields.recording_enabled')} description={t('assistants.hints.recording_enabled')} disabled={!writable} {...form.getInputProps('recording_enabled', { type: 'checkbox' })} />
      {form.values.recording_enabled && (
        <Alert color="blue" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>{t('assistants.hints.consent')}</Alert>
      )}
    </Section>
  )
}
