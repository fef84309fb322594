import {
  Alert, Anchor, Autocomplete, Button, Checkbox, Group, NumberInput, Select, Stack, Switch, TagsInput, Text, Textarea,
  TextInput,
} from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { Pencil, Plus, SquareFunction, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Advanced } from '../../components/Advanced'
import { field } from '../../components/Field'
import { Pair } from '../../components/Pair'
import { Section } from '../../components/Section'
import { EmptyState, ErrorState, SkeletonAfter200ms } from '../../components/States'
import { dateTime, number as formatted } from '../../lib/format'
import { useLanguage, useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { exampleNumber, phone } from '../../lib/phone'
import { useOptions } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { answeredFields, offeredFields, type AnsweredNumber, type Assistant, type OfferedFunction } from './data'
import type { AssistantForm } from './form'
import {
  knows, languageName, lineOf, modelOf, unlisted, useChoices, voiceOf, voicesOf, type Choices, type Line,
} from './choices'

export interface TabProps {
  form: UseFormReturnType<AssistantForm>
  writable: boolean
  record: Assistant
}

const max = limits.assistants

/** ElevenLabs alone has a setting for how even a voice is. */
const hasStability = (provider: string): boolean => provider === '11labs'

/** Renders its children with the table of what an assistant can be made of. */
function WithChoices({ children }: { children: (choices: Choices) => ReactNode }) {
  const choices = useChoices()
  if (choices.data) return children(choices.data)
  if (choices.error) return <ErrorState error={choices.error} onRetry={() => void choices.refetch()} />
  return <SkeletonAfter200ms lines={4} />
}

/** Providers to choose from; those that do not know the language say so, and cannot be chosen. */
function useProviders(lines: readonly Line[], values: readonly string[], language = '') {
  const t = useT()
  const reader = useLanguage()
  return values.map((value) => {
    const line = lineOf(lines, value)
    if (knows(line, language)) return { value, label: named(line, value) }
    return {
      value,
      label: t('assistants.choices.without', {
        provider: named(line, value),
        language: languageName(language, reader),
      }),
      disabled: true,
    }
  })
}

/** Props of a text field, read-only for those who may not write. */
const text = ({ form, writable }: TabProps, name: keyof AssistantForm & keyof typeof max & string) => {
  const limit = max[name] as { required?: boolean; max?: number }
  return { ...field(form, name, limit), readOnly: !writable }
}
/** The same without a length: numbers, choices and lists have other limits. */
const other = ({ form, writable }: TabProps, name: keyof AssistantForm & string) => ({
  ...field(form, name),
  readOnly: !writable,
})

/** Reports whether one of the fields was refused. */
const wrong = ({ errors }: TabProps['form'], ...names: (keyof AssistantForm)[]) => names.some((name) => errors[name])

export function Overview(props: TabProps) {
  const t = useT()
  const org = useOrg()
  const language = useLanguage()
  const { record } = props
  const choices = useChoices()
  const numbers = useOptions<AnsweredNumber>(org, 'phone_numbers', answeredFields, 'friendly_name')
  const mine = numbers.data?.filter((number) => number.assistant === record.id)
  const line = lineOf(choices.data?.voices ?? [], record.voice_provider)
  const voice = record.voice_id
    ? `${line?.names?.[record.voice_id] ?? record.voice_id} (${line?.name ?? record.voice_provider})`
    : undefined
  return (
    <Stack gap="md">
      <Section title={t('assistants.sections.about')}>
        <TextInput label={t('assistants.fields.name')} {...text(props, 'name')} />
        <Textarea
          label={t('assistants.fields.description')}
          description={t('assistants.hints.description')}
          autosize
          minRows={2}
          {...text(props, 'description')}
        />
      </Section>
      <Section title={t('assistants.sections.phone')}>
        {mine && mine.length === 0 && (
          <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
            {t('assistants.unreachable')}{' '}
            <Anchor component={Link} to={areaPath(org, 'numbers')} size="sm">
              {t('assistants.chooseNumber')}
            </Anchor>
          </Alert>
        )}
        {mine?.map((number) => (
          <Group key={number.id} gap="xs">
            <Anchor component={Link} to={areaPath(org, `numbers/${number.id}`)} className="pl-tabular" fw={550}>
              {phone(number.phone_number) || t('numbers.pendingNumber')}
            </Anchor>
            <Text size="sm" c="dimmed">
              {number.friendly_name}
            </Text>
          </Group>
        ))}
        <Text size="sm" c="dimmed">
          {t('assistants.speaks', {
            language: languageName(record.language, language) || t('assistants.providerDecides'),
            voice: voice ?? t('assistants.providerDecides'),
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
        <Textarea
          label={t('assistants.fields.first_message')}
          description={t('assistants.hints.first_message')}
          autosize
          minRows={2}
          {...text(props, 'first_message')}
        />
        <Textarea
          label={t('assistants.fields.system_prompt')}
          autosize
          minRows={8}
          maxRows={26}
          {...text(props, 'system_prompt')}
          description={`${t('assistants.hints.system_prompt')} ${t('assistants.characters', { used: formatted(form.values.system_prompt.length), most: formatted(max.system_prompt.max) })}`}
        />
        <Textarea
          label={t('assistants.fields.personality')}
          description={t('assistants.hints.personality')}
          autosize
          minRows={2}
          maxRows={8}
          {...text(props, 'personality')}
        />
      </Section>
      <Section title={t('assistants.sections.ending')}>
        <Switch
          label={t('assistants.fields.end_call_disabled')}
          description={t('assistants.hints.end_call_disabled')}
          disabled={!props.writable}
          checked={!form.values.end_call_disabled}
          onChange={(event) => form.setFieldValue('end_call_disabled', !event.currentTarget.checked)}
        />
        <Textarea
          label={t('assistants.fields.end_call_message')}
          description={t('assistants.hints.end_call_message')}
          autosize
          minRows={1}
          {...text(props, 'end_call_message')}
        />
        <TagsInput
          label={t('assistants.fields.end_call_phrases')}
          description={t('assistants.hints.end_call_phrases')}
          splitChars={[',', ';']}
          {...other(props, 'end_call_phrases')}
        />
        <Pair>
          <NumberInput
            label={t('assistants.fields.max_duration_seconds')}
            description={t('assistants.hints.max_duration_seconds')}
            suffix=" s"
            min={10}
            max={max.max_duration_seconds.max}
            step={60}
            allowDecimal={false}
            {...other(props, 'max_duration_seconds')}
          />
          <NumberInput
            label={t('assistants.fields.silence_timeout_seconds')}
            description={t('assistants.hints.silence_timeout_seconds')}
            suffix=" s"
            min={5}
            max={max.silence_timeout_seconds.max}
            step={5}
            allowDecimal={false}
            {...other(props, 'silence_timeout_seconds')}
          />
        </Pair>
      </Section>
      <Section title={t('assistants.sections.model')} text={t('assistants.hints.model')}>
        <WithChoices>{(choices) => <ModelFields {...props} choices={choices} />}</WithChoices>
      </Section>
    </Stack>
  )
}

/** What a name that any text can be says below it. */
function useNameHint(date: string) {
  const t = useT()
  return (list: readonly string[] | undefined, name: string) =>
    unlisted(list, name)
      ? t('assistants.choices.unlisted', { date: dateTime(new Date(date), 'UTC', { dateStyle: 'long' }) })
      : t('assistants.hints.anyName')
}

const named = (line: Line | undefined, value: string) => line?.name ?? value

/** What was chosen for the old language by nobody is chosen for the new one. */
const follow = (now: string, old: string, fresh: string) => (now === old ? fresh : now)

function ModelFields(props: TabProps & { choices: Choices }) {
  const t = useT()
  const { form, choices } = props
  const hint = useNameHint(choices.date)
  const providers = useProviders(choices.models, max.model_provider.values)
  const { model_provider: provider, model_name: name, language } = form.values
  const line = lineOf(choices.models, provider)
  return (
    <>
      <Pair>
        <Select
          label={t('assistants.fields.model_provider')}
          allowDeselect={false}
          data={providers}
          {...other(props, 'model_provider')}
          onChange={(value) => {
            if (!value) return
            form.setValues({
              model_provider: value as typeof provider,
              model_name: modelOf(lineOf(choices.models, value), language),
            })
          }}
        />
        <Autocomplete
          label={t('assistants.fields.model_name')}
          description={hint(line?.models, name)}
          data={[...(line?.models ?? [])]}
          maxDropdownHeight={280}
          limit={200}
          {...text(props, 'model_name')}
        />
      </Pair>
      <Advanced wrong={wrong(form, 'model_temperature', 'model_max_tokens')}>
        <Pair>
          <NumberInput
            label={t('assistants.fields.model_temperature')}
            description={t('assistants.hints.model_temperature')}
            placeholder={t('assistants.providerDecides')}
            min={max.model_temperature.min}
            max={max.model_temperature.max}
            step={0.1}
            decimalScale={2}
            {...other(props, 'model_temperature')}
          />
          <NumberInput
            label={t('assistants.fields.model_max_tokens')}
            description={t('assistants.hints.model_max_tokens')}
            placeholder={t('assistants.providerDecides')}
            min={50}
            max={max.model_max_tokens.max}
            step={50}
            allowDecimal={false}
            {...other(props, 'model_max_tokens')}
          />
        </Pair>
      </Advanced>
    </>
  )
}

export function Voice(props: TabProps) {
  return <WithChoices>{(choices) => <VoiceFields {...props} choices={choices} />}</WithChoices>
}

function VoiceFields(props: TabProps & { choices: Choices }) {
  const t = useT()
  const reader = useLanguage()
  const { form, writable, choices } = props
  const hint = useNameHint(choices.date)
  const {
    voice_provider: provider,
    transcriber_provider: listener,
    language,
    transcriber_language: heard,
  } = form.values
  const speaking = useProviders(choices.voices, max.voice_provider.values, language)
  const hearing = useProviders(choices.transcribers, max.transcriber_provider.values, heard || language)
  const voice = lineOf(choices.voices, provider)
  const ear = lineOf(choices.transcribers, listener)
  const offered = choices.languages.map((code) => ({ value: code, label: languageName(code, reader) }))
  const known = !language || offered.some((one) => one.value === language)
  /** A provider that does not know the language is wrong as it stands, before anybody saves. */
  const mute = (line: Line | undefined, code: string) => (knows(line, code)
    ? undefined
    : t('assistants.choices.language', { provider: line?.name ?? '', language: languageName(code, reader) }))
  const voiceless = !form.values.voice_id && language && knows(voice, language) && !voiceOf(voice, language)
    ? t('assistants.choices.noVoice', { provider: named(voice, provider), language: languageName(language, reader) })
    : undefined
  return (
    <Stack gap="md">
      <Section title={t('assistants.fields.language')} text={t('assistants.hints.language')}>
        <Select
          aria-label={t('assistants.fields.language')}
          searchable
          allowDeselect={false}
          styles={{ wrapper: { maxWidth: 320 } }}
          nothingFoundMessage={t('palette.nothing')}
          data={known ? offered : [{ value: language, label: languageName(language, reader) }, ...offered]}
          {...other(props, 'language')}
          onChange={(next) => {
            if (!next) return
            form.setValues({
              language: next,
              voice_id: follow(form.values.voice_id, voiceOf(voice, language), voiceOf(voice, next)),
              voice_model: follow(form.values.voice_model, modelOf(voice, language), modelOf(voice, next)),
              transcriber_model: follow(form.values.transcriber_model, modelOf(ear, language), modelOf(ear, next)),
            })
          }} />
      </Section>
      <Section title={t('assistants.sections.voice')}>
        <Pair>
          <Select
            label={t('assistants.fields.voice_provider')}
            searchable
            allowDeselect={false}
            data={speaking}
            {...other(props, 'voice_provider')}
            error={form.errors.voice_provider ?? mute(voice, language)}
            onChange={(value) => {
              if (!value) return
              const next = lineOf(choices.voices, value)
              // A voice belongs to its provider, and so do its models and the range of its speed.
              form.setValues({
                voice_provider: value as typeof provider,
                voice_id: voiceOf(next, language),
                voice_model: modelOf(next, language),
                voice_speed: '',
                voice_stability: 0.5,
              })
            }}
          />
          <Autocomplete
            label={t('assistants.fields.voice_id')}
            description={hint(voice?.voices, form.values.voice_id)}
            data={voicesOf(voice, language)}
            maxDropdownHeight={280}
            limit={200}
            {...text(props, 'voice_id')}
            error={form.errors.voice_id ?? voiceless}
            renderOption={({ option }) =>
              voice?.names?.[option.value] ? (
                <Text size="sm">
                  {voice.names[option.value]}{' '}
                  <Text span size="xs" c="dimmed">
                    {option.value}
                  </Text>
                </Text>
              ) : (
                option.value
              )
            }
          />
          {voice?.speed || form.values.voice_speed !== '' ? (
            <NumberInput
              label={t('assistants.fields.voice_speed')}
              placeholder={t('assistants.providerDecides')}
              min={voice?.speed?.min ?? 0}
              max={voice?.speed?.max ?? max.voice_speed.max}
              clampBehavior="none"
              step={0.05}
              decimalScale={2}
              {...other(props, 'voice_speed')}
              description={
                voice?.speed
                  ? t('assistants.hints.voice_speed', {
                      min: formatted(voice.speed.min),
                      max: formatted(voice.speed.max ?? max.voice_speed.max),
                      provider: named(voice, provider),
                    })
                  : t('assistants.hints.noSpeed', { provider: named(voice, provider) })
              }
            />
          ) : (
            <Text size="sm" c="dimmed" pt="xl">
              {t('assistants.hints.noSpeed', { provider: named(voice, provider) })}
            </Text>
          )}
        </Pair>
        {(voice?.model !== 'no' || form.values.voice_model || hasStability(provider)) && (
          <Advanced wrong={wrong(form, 'voice_model', 'voice_stability')}>
            <Pair>
              {(voice?.model !== 'no' || form.values.voice_model) && (
                <Autocomplete
                  label={t('assistants.fields.voice_model')}
                  placeholder={t('assistants.providerDecides')}
                  data={[...(voice?.models ?? [])]}
                  {...text(props, 'voice_model')}
                  description={
                    voice?.model === 'no'
                      ? t('assistants.choices.noModel', { provider: named(voice, provider) })
                      : hint(voice?.models, form.values.voice_model)
                  }
                />
              )}
              {hasStability(provider) && (
                <NumberInput
                  label={t('assistants.fields.voice_stability')}
                  description={t('assistants.hints.voice_stability')}
                  placeholder={t('assistants.providerDecides')}
                  min={max.voice_stability.min}
                  max={max.voice_stability.max}
                  step={0.05}
                  decimalScale={2}
                  {...other(props, 'voice_stability')}
                />
              )}
            </Pair>
          </Advanced>
        )}
      </Section>
      <Section title={t('assistants.sections.hearing')} text={t('assistants.hints.hearing')}>
        <Pair>
          <Select
            label={t('assistants.fields.transcriber_provider')}
            searchable
            allowDeselect={false}
            data={hearing}
            {...other(props, 'transcriber_provider')}
            error={form.errors.transcriber_provider ?? (heard ? undefined : mute(ear, language))}
            onChange={(value) => {
              if (!value || !writable) return
              form.setValues({
                transcriber_provider: value as typeof listener,
                transcriber_model: modelOf(lineOf(choices.transcribers, value), language),
                transcriber_language: '',
              })
            }}
          />
        </Pair>
        <Advanced wrong={wrong(form, 'transcriber_model', 'transcriber_language')}>
          <Pair>
            {(ear?.model !== 'no' || form.values.transcriber_model) && (
              <Autocomplete
                label={t('assistants.fields.transcriber_model')}
                data={[...(ear?.models ?? [])]}
                maxDropdownHeight={280}
                {...text(props, 'transcriber_model')}
                required={ear?.model === 'must'}
                {...(ear?.model !== 'must' && { placeholder: t('assistants.providerDecides') })}
                description={
                  ear?.model === 'no'
                    ? t('assistants.choices.noModel', { provider: named(ear, listener) })
                    : hint(ear?.models, form.values.transcriber_model)
                }
              />
            )}
            <TextInput
              label={t('assistants.fields.transcriber_language')}
              description={t('assistants.hints.transcriber_language')}
              placeholder={language}
              {...text(props, 'transcriber_language')}
            />
          </Pair>
        </Advanced>
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
  const create = manage && (
    <Button variant="default" leftSection={<Plus size={16} aria-hidden />} onClick={() => onEdit('')}>
      {t('functions.new')}
    </Button>
  )
  return (
    <Section
      title={t('assistants.tabs.functions')}
      text={t('assistants.hints.functions')}
      actions={create || undefined}
    >
      {offered.isPending && <SkeletonAfter200ms lines={3} />}
      {offered.error && !offered.data && <ErrorState error={offered.error} onRetry={() => void offered.refetch()} />}
      {offered.data?.length === 0 && (
        <EmptyState icon={SquareFunction} title={t('functions.empty.title')} text={t('functions.empty.text')} />
      )}
      {form.errors.functions && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {form.errors.functions}
        </Text>
      )}
      <Stack gap="sm">
        {offered.data?.map((one) => {
          const on = chosen.includes(one.id)
          return (
            <Group key={one.id} wrap="nowrap" justify="space-between" align="flex-start" gap="xs">
              <Checkbox label={one.name} description={one.description || undefined} checked={on} className="pl-wrap"
                // Full is full: the server takes no more.
                disabled={!writable || (!on && chosen.length >= max.functions.max)}
                onChange={(event) =>
                  form.setFieldValue(
                    'functions',
                    event.currentTarget.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id),
                  )
                }
              />
              <Group gap="xs" wrap="nowrap">
                {!one.is_active && (
                  <Text size="xs" c="dimmed">
                    {t('functions.off')}
                  </Text>
                )}
                <Button
                  size="compact-sm"
                  variant="subtle"
                  leftSection={manage ? <Pencil size={14} aria-hidden /> : undefined}
                  aria-label={t(manage ? 'functions.editOne' : 'functions.viewOne', { name: one.name })}
                  onClick={() => onEdit(one.id)}
                >
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
  const { organization } = useHere()
  return (
    <Stack gap="md">
      <Section title={t('assistants.sections.handoff')}>
        <TextInput
          type="tel"
          label={t('assistants.fields.forwarding_phone_number')}
          description={t('assistants.hints.forwarding_phone_number')}
          placeholder={exampleNumber(organization?.country)}
          styles={{ wrapper: { maxWidth: 360 } }}
          {...text(props, 'forwarding_phone_number')}
        />
      </Section>
      <Section title={t('assistants.sections.voicemail')}>
        <Textarea
          label={t('assistants.fields.voicemail_message')}
          description={t('assistants.hints.voicemail_message')}
          autosize
          minRows={2}
          {...text(props, 'voicemail_message')}
        />
      </Section>
    </Stack>
  )
}

export function Privacy({ form, writable }: TabProps) {
  const t = useT()
  return (
    <Section title={t('assistants.sections.recording')}>
      <Switch
        label={t('assistants.fields.recording_enabled')}
        description={t('assistants.hints.recording_enabled')}
        disabled={!writable}
        {...form.getInputProps('recording_enabled', { type: 'checkbox' })}
      />
      {form.values.recording_enabled && (
        <Alert color="blue" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
          {t('assistants.hints.consent')}
        </Alert>
      )}
    </Section>
  )
}
