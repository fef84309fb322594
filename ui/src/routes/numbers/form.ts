import type { EditForm, NewForm } from '../../lib/editor'
import type { Key } from '../../lib/i18n'
import { e164, isPhone, phone } from '../../lib/phone'
import { changed } from '../../lib/rebase'
import type { NumberDetail } from './data'
import type { Way } from './search'

export type NewNumber = {
  friendly_name: string
  phone_number: string
  area_code: string
  twilio_account_sid: string
  twilio_auth_token: string
  assistant: string
}

export type NumberProblem = 'phone' | 'area' | 'sid' | 'required'

/** What the server or the provider would refuse, by field. */
export function newProblems(way: Way, values: NewNumber): Partial<Record<keyof NewNumber, NumberProblem>> {
  const found: Partial<Record<keyof NewNumber, NumberProblem>> = {}
  if (way === 'vapi') {
    if (!/^[2-9]\d{2}$/.test(values.area_code.trim())) found.area_code = 'area'
    return found
  }
  if (!isPhone(values.phone_number)) found.phone_number = 'phone'
  if (way === 'twilio') {
    if (!/^AC[0-9a-fA-F]{32}$/.test(values.twilio_account_sid.trim())) found.twilio_account_sid = 'sid'
    if (!values.twilio_auth_token.trim()) found.twilio_auth_token = 'required'
  }
  return found
}

/** What is sent: only what the way asks for, so that a secret typed for another way stays here. */
export function newBody(way: Way, values: NewNumber): Record<string, string> {
  const shared = { provider: way, friendly_name: values.friendly_name.trim(), assistant: values.assistant }
  if (way === 'vapi') return { ...shared, area_code: values.area_code.trim() }
  const theirs = { ...shared, phone_number: e164(values.phone_number) }
  if (way === 'other') return theirs
  return { ...theirs, twilio_account_sid: values.twilio_account_sid.trim(), twilio_auth_token: values.twilio_auth_token.trim() }
}

const start: NewNumber = {
  friendly_name: '', phone_number: '', area_code: '', twilio_account_sid: '', twilio_auth_token: '', assistant: '',
}

/** The form of a new number: what it asks for depends on where the number comes from. */
export const newNumberForm = (way: Way): NewForm<NewNumber> => ({
  start,
  toBody: (values) => newBody(way, values),
  problems: (values, t) => Object.fromEntries(
    Object.entries(newProblems(way, values)).map(([name, what]) => [name, t(`numbers.problems.${what}`)]),
  ),
})

export type NumberForm = Pick<NumberDetail, 'friendly_name' | 'assistant' | 'fallback_number' | 'fallback_message' | 'status' | 'twilio_account_sid'> & {
  /** Empty keeps the stored token. */
  twilio_auth_token: string
}

export function toForm(record: NumberDetail): NumberForm {
  const { friendly_name, assistant, fallback_number, fallback_message, status, twilio_account_sid } = record
  return { friendly_name, assistant, fallback_number: phone(fallback_number), fallback_message, status, twilio_account_sid, twilio_auth_token: '' }
}

/** What a save sends: the fields the person changed. */
export function toPatch(base: NumberForm, values: NumberForm): Partial<NumberForm> {
  const patch = changed(base, values)
  for (const [name, value] of Object.entries(patch)) if (typeof value === 'string') Object.assign(patch, { [name]: value.trim() })
  if (patch.fallback_number !== undefined) patch.fallback_number = e164(patch.fallback_number)
  if (!patch.twilio_auth_token) delete patch.twilio_auth_token
  return patch
}

const labels = {
  friendly_name: 'numbers.name', assistant: 'numbers.answeredBy', status: 'numbers.status', fallback_number: 'numbers.fallbackNumber',
  fallback_message: 'numbers.fallbackMessage', twilio_account_sid: 'numbers.sid', twilio_auth_token: 'numbers.token',
} as const satisfies Record<keyof NumberForm, Key>

export const numberForm: EditForm<NumberDetail, NumberForm> = {
  // The stored token is never shown, so after a save its field empties.
  toForm,
  toBody: (values, base) => toPatch(base, values),
  label: (name) => labels[name],
  problems: ({ fallback_number: number }, t) => (!number.trim() || isPhone(number) ? {} : { fallback_number: t('numbers.problems.phone') }),
}

/** What a number is called where one line must do. */
export function title(row: Pick<NumberDetail, 'phone_number' | 'friendly_name'>): string {
  return phone(row.phone_number) || row.friendly_name
}

type Row = Pick<NumberDetail, 'provider' | 'vapi_phone_id' | 'sync_status'>

/** Nothing of it is at the provider: it is on its way, or was refused. */
export const neverThere = (row: Omit<Row, 'sync_status'>) => row.provider !== 'other' && !row.vapi_phone_id

/** It never came about: the provider has nothing of it, and is not about to. */
export const wasRefused = (row: Row) => neverThere(row) && row.sync_status === 'failed'

/** What a number without digits is called. */
export const nameless = (row: Row) => (wasRefused(row) ? 'numbers.unordered' : 'numbers.pendingNumber')

/** What giving a number up is, in its own words. */
export function releaseKind(row: Row): 'refused' | 'vapi' | 'other' | 'carrier' {
  if (wasRefused(row)) return 'refused'
  return row.provider === 'vapi' || row.provider === 'other' ? row.provider : 'carrier'
}

/** What must be typed to release a number: its digits as shown, else its name. Undefined when it has neither, or never came about. */
export const releaseText = (row: Row & Pick<NumberDetail, 'phone_number' | 'friendly_name'>): string | undefined =>
  (wasRefused(row) ? undefined : title(row) || undefined)

/** Which of a number's two states are told: both together never contradict each other, and one that is on its way needs one word. */
export function told(row: Pick<NumberDetail, 'status' | 'sync_status' | 'sync_error' | 'vapi_phone_id' | 'provider'>): { status: boolean; sync: boolean } {
  const begins = row.status === 'pending'
  const status = row.sync_status !== 'deleting' && !wasRefused(row) && !(begins && row.sync_status === 'failed')
  return { status, sync: !(begins && status && !row.sync_error) }
}
