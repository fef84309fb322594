import type { Kind } from '../../components/RecordPage'
import type { FunctionsRecord } from '../../lib/pb-types.gen'

export const listFields = ['id', 'name', 'description', 'is_active', 'webhook_url', 'sync_status', 'sync_error'] as const satisfies readonly (keyof FunctionsRecord)[]
export type FunctionRow = Pick<FunctionsRecord, (typeof listFields)[number]>

const stored = ['id', 'name', 'description', 'parameters', 'webhook_url', 'timeout_ms', 'async', 'is_active', 'sync_status', 'sync_error'] as const satisfies readonly (keyof FunctionsRecord)[]
/** headers_set says that there are secret headers; which ones, the server tells nobody. */
export type FunctionDetail = Pick<FunctionsRecord, (typeof stored)[number]> & { headers_set?: boolean }
export const detailFields: readonly (keyof FunctionDetail)[] = [...stored, 'headers_set']

export const functionKind: Kind<FunctionDetail> = {
  collection: 'functions', fields: detailFields, path: 'functions', words: 'functions', view: 'build.view', manage: 'functions.manage',
}
