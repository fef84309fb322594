import { changed } from '../../lib/rebase'
import { e164 } from '../../lib/phone'
import { formFields, type Assistant } from './data'
import { tabNames, type Tab } from './search'

/** The assistant's form. Numbers are '' where the field is left to the provider's default, stored as 0. */
export type AssistantForm = {
  [K in Exclude<(typeof formFields)[number], Defaulted | 'end_call_phrases'>]: Assistant[K]
} & { [K in Defaulted]: number | '' } & { end_call_phrases: string[] }

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
    return [name, value]
  }))
  return values as unknown as AssistantForm
}

/** What a save sends: the fields the person changed, as the collection stores them. */
export function toPatch(base: AssistantForm, values: AssistantForm): Partial<Assistant> {
  const patch = changed(base, values) as Record<string, unknown>
  for (const [name, value] of Object.entries(patch)) {
    if (defaulted.includes(name) && value === '') patch[name] = 0
    else if (typeof value === 'string' && !['system_prompt', 'first_message'].includes(name)) patch[name] = value.trim()
  }
  if (typeof patch.forwarding_phone_number === 'string') patch.forwarding_phone_number = e164(patch.forwarding_phone_number)
  return patch as Partial<Assistant>
}
