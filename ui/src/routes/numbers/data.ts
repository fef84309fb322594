import type { Kind } from '../../components/RecordPage'
import type { AssistantsRecord, PhoneNumbersRecord } from '../../lib/pb-types.gen'

export const listFields = ['id', 'phone_number', 'friendly_name', 'provider', 'status', 'assistant', 'area_code', 'fallback_number', 'sync_status', 'sync_error', 'vapi_phone_id', 'created'] as const satisfies readonly (keyof PhoneNumbersRecord)[]
export type NumberRow = Pick<PhoneNumbersRecord, (typeof listFields)[number]>

const stored = [...listFields, 'country_code', 'fallback_message', 'twilio_account_sid', 'sip_uri', 'synced_at'] as const satisfies readonly (keyof PhoneNumbersRecord)[]
/** twilio_auth_token_set says that there is a token; the server shows it to nobody. */
export type NumberDetail = Pick<PhoneNumbersRecord, (typeof stored)[number]> & { twilio_auth_token_set?: boolean }
export const detailFields: readonly (keyof NumberDetail)[] = [...stored, 'twilio_auth_token_set']

export const numberKind: Kind<NumberDetail> = {
  collection: 'phone_numbers', fields: detailFields, path: 'numbers', words: 'numbers', view: 'numbers.view', manage: 'numbers.manage',
}

export const choiceFields = ['id', 'name', 'status'] as const satisfies readonly (keyof AssistantsRecord)[]
export type AssistantChoice = Pick<AssistantsRecord, (typeof choiceFields)[number]>
