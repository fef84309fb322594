import type { Kind } from '../../components/RecordPage'
import type { AssistantsRecord, CallsRecord, FunctionsRecord, PhoneNumbersRecord } from '../../lib/pb-types.gen'
import type { Shown } from './choices'

/** A row of the list. */
export const listFields = ['id', 'name', 'description', 'type', 'status', 'language', 'sync_status', 'sync_error', 'created'] as const satisfies readonly (keyof AssistantsRecord)[]
export type AssistantRow = Pick<AssistantsRecord, (typeof listFields)[number]>

/** What the assistant's own page reads and writes. */
export const formFields = [
  'name', 'description', 'language', 'personality', 'system_prompt', 'first_message', 'model_provider', 'model_name', 'model_temperature',
  'model_max_tokens', 'voice_provider', 'voice_id', 'voice_model', 'voice_speed', 'voice_stability', 'transcriber_provider', 'transcriber_model',
  'transcriber_language', 'functions', 'forwarding_phone_number', 'end_call_message', 'voicemail_message', 'end_call_phrases',
  'end_call_disabled', 'max_duration_seconds', 'silence_timeout_seconds', 'recording_enabled',
] as const satisfies readonly (keyof AssistantsRecord)[]
export const detailFields = ['id', 'type', 'status', 'sync_status', 'sync_error', 'synced_at', 'created', ...formFields] as const satisfies readonly (keyof AssistantsRecord)[]
/**
 * The server adds two things to the row: config_not_sent names advanced settings of older rows that the provider never gets,
 * choices says what of it the provider would refuse, and which names are in no list.
 */
export type Assistant = Pick<AssistantsRecord, (typeof detailFields)[number]> & { config_not_sent?: string[]; choices?: readonly Shown[] }
export const detailQuery = [...detailFields, 'config_not_sent', 'choices'] as const

export const assistantKind: Kind<Assistant> = {
  collection: 'assistants', fields: detailQuery, path: 'assistants', words: 'assistants', view: 'assistants.view', manage: 'assistants.manage',
}

/** Numbers by the assistant that answers them. */
export const answeredFields = ['id', 'phone_number', 'friendly_name', 'assistant'] as const satisfies readonly (keyof PhoneNumbersRecord)[]
export type AnsweredNumber = Pick<PhoneNumbersRecord, (typeof answeredFields)[number]>

export const offeredFields = ['id', 'name', 'description', 'is_active', 'sync_status'] as const satisfies readonly (keyof FunctionsRecord)[]
export type OfferedFunction = Pick<FunctionsRecord, (typeof offeredFields)[number]>

export const callFields = ['id', 'status', 'outcome', 'call_type', 'caller_number', 'recipient_number', 'started_at', 'duration_seconds', 'summary'] as const satisfies readonly (keyof CallsRecord)[]
export type RecentCall = Pick<CallsRecord, (typeof callFields)[number]>
