import type { EditForm } from '../../lib/editor'
import { changed } from '../../lib/rebase'
import { e164 } from '../../lib/phone'
import { formFields, type Assistant } from './data'
import { tabNames, type Tab } from './search'

/** The assistant's form. Numbers are '' where the field is left to the provider's default, stored as 0 or, where 0 is a value, null. */
export type AssistantForm = {
  [K in Exclude<(typeof formFields)[number], Defaulted | Unset | 'end_call_phrases'>]: Assistant[K]
} & { [K in Defaulted | Unset]: number | '' } & { end_call_phrases: string[] }

type Unset = 'model_temperature' | 'voice_stability'
const unset: readonly string[] = ['model_temperature', 'voice_stability'] satisfies Unset[]

type Defaulted = 'model_max_tokens' | 'voice_speed' | 'max_duration_seconds' | 'silence_timeout_seconds'
const defaulted: readonly string[] = ['model_max_tokens', 'voice_speed', 'max_duration_seconds', 'silence_timeout_seconds'] satisfies Defaulted[]

/** Which tab shows a field, so that a refused answer opens the right one. */
export const tabs = {
  overview: ['name', 'description'],
  behaviour: ['first_message', 'system_prompt', 'personality', 'end_call_message', 'end_call_phrases', 'end_call_disabled', 'model_provider', 'model_name', 'model_temperature', 'model_max_tokens', 'max_duration_seconds', 'silence_timeout_seconds'],
  voice: ['language', 'voice_provider', 'voice_id', 'voice_model', 'voice_speed', 'voice_stability', 'transcriber_provider', 'transcriber_model', 'transcriber_language'],
  functions: ['functions'],
  handoff: ['forwarding_phone_number', 'voicemail_message'],
  privacy: ['recording_enabled'],
} as const satisfies Record<Tab, readonly (keyof AssistantForm)[]>

export const tabOf = (field: string): Tab | undefined => tabNames.find((tab) => (tabs[tab] as readonly string[]).includes(field))

/** Reads a JSON column that should hold a list of texts. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : []
}

export function toForm(record: Assistant): AssistantForm {
  const values = Object.fromEntries(formFields.map((name) => {
    const value = record[name]
    if (name === 'end_call_phrases') return [name, texts(value)]
    if (defaulted.includes(name)) return [name, value === 0 || value == null ? '' : value]
    if (unset.includes(name)) return [name, value ?? '']
    return [name, value]
  }))
  return values as unknown as AssistantForm
}

/** What a save sends: the fields the person changed, as the collection stores them. */
export function toPatch(base: AssistantForm, values: AssistantForm): Partial<Assistant> {
  const patch = changed(base, values) as Record<string, unknown>
  for (const [name, value] of Object.entries(patch)) {
    if (defaulted.includes(name) && value === '') patch[name] = 0
    else if (unset.includes(name) && value === '') patch[name] = null
    else if (typeof value === 'string' && !['system_prompt', 'first_message'].includes(name)) patch[name] = value.trim()
  }
  if (typeof patch.forwarding_phone_number === 'string') patch.forwarding_phone_number = e164(patch.forwarding_phone_number)
  return patch as Partial<Assistant>
}

export const assistantForm: EditForm<Assistant, AssistantForm> = {
  toForm,
  toBody: (values, base) => toPatch(base, values),
  label: (name) => `assistants.fields.${name}`,
  problems: ({ name }, t) => (name.trim() ? {} : { name: t('errors.field.required') }),
}

/** What is tried: the columns that what it says depends on, as a save would send them. */
export function draftOf(values: AssistantForm) {
  const { name, language, personality, system_prompt, first_message, model_provider, model_name } = values
  return {
    name, language, personality, system_prompt, first_message, model_provider, model_name,
    model_temperature: values.model_temperature === '' ? null : values.model_temperature,
    model_max_tokens: values.model_max_tokens === '' ? 0 : values.model_max_tokens,
  }
}

/** What callers of any business say, in the language of the assistant. */
export const sayings = {
  en: ['When are you open?', 'I would like an appointment tomorrow.', 'Can I speak to a person?'],
  fr: ['Quand êtes-vous ouvert ?', 'Je voudrais un rendez-vous demain.', 'Puis-je parler à quelqu’un ?'],
} as const

/** Where a spoken line comes from: the field that holds these very words, else the instructions. */
export function saidBy(line: string, { first_message, end_call_message, voicemail_message }: Spoken): keyof AssistantForm {
  const words = bare(line)
  if (words === bare(first_message ?? '')) return 'first_message'
  if (words === bare(end_call_message ?? '')) return 'end_call_message'
  if (words === bare(voicemail_message ?? '')) return 'voicemail_message'
  return 'system_prompt'
}

/** What an assistant says word for word. */
export type Spoken = Partial<Pick<Assistant, 'first_message' | 'end_call_message' | 'voicemail_message'>>

// Transcripts spell as the listener heard it.
const bare = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
