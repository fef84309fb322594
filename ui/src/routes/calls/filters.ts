import { dayStart, nextDay } from '../../lib/days'
import { limits, type CallsCallType, type CallsPriority, type CallsResolutionStatus } from '../../lib/pb-types.gen'

/** What narrows the list of calls: the address holds it, so that a list can be shared and gone back to. */
export interface CallFilters {
  search?: string
  status?: string
  outcome?: string
  reached?: (typeof reaches)[number]
  call_type?: CallsCallType
  caller?: 'hidden'
  assistant?: string
  phone_number?: string
  priority?: CallsPriority
  resolution_status?: CallsResolutionStatus
  /** Days in the organization's zone, both included. */
  from?: string
  to?: string
  sort?: CallSort
}

export const sorts = ['-started_at', 'started_at', '-duration_seconds', 'duration_seconds', '-cost_micros'] as const
export type CallSort = (typeof sorts)[number]

/** What one choice offers for "what became of it": going on, waiting, answered, missed, or an outcome. */
export const statuses = ['live', 'scheduled'] as const
export const outcomes = ['completed', 'transferred', 'no_answer', 'voicemail', 'cancelled', 'failed'] as const
export const reaches = ['answered', 'missed'] as const
export const directions = ['inbound', 'outbound'] as const
export const priorities = ['urgent', 'high', 'medium', 'low'] as const
export const resolutions = ['pending', 'resolved', 'escalated', 'failed'] as const

// 'live' and 'failed' are the server's words for several of them.
const everyStatus: readonly string[] = ['live', ...limits.calls.status.values]
const everyOutcome: readonly string[] = ['failed', ...limits.calls.outcome.values]

// What the server takes at most; a longer search comes from a wrong paste.
const SEARCH_MAX = 200

const day = /^\d{4}-\d\d-\d\d$/
const id = /^[a-z0-9]{1,15}$/i

/** Reads the address's query. What is not a filter is left out, never an error: addresses are typed and truncated. */
export function readFilters(raw: Record<string, unknown>): CallFilters {
  // Digits alone arrive as a number.
  const text = (name: string) => (typeof raw[name] === 'string' || typeof raw[name] === 'number' ? String(raw[name]) : '')
  const one = <V extends string>(name: string, allowed: readonly V[]) => allowed.find((value) => value === text(name))
  const matching = (name: string, pattern: RegExp) => (pattern.test(text(name)) ? text(name) : undefined)
  const list = (name: string, allowed: readonly string[]) => text(name).split(',').filter((value) => allowed.includes(value)).join(',')
  const found: CallFilters = {
    search: text('search').slice(0, SEARCH_MAX),
    status: list('status', everyStatus),
    outcome: list('outcome', everyOutcome),
    reached: one('reached', reaches),
    call_type: one('call_type', directions),
    caller: one('caller', ['hidden']),
    assistant: matching('assistant', id),
    phone_number: matching('phone_number', id),
    priority: one('priority', priorities),
    resolution_status: one('resolution_status', resolutions),
    from: matching('from', day),
    to: matching('to', day),
    sort: one('sort', sorts),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value)) as CallFilters
}

/** How many conditions hold, the order not being one. */
export function countFilters(filters: CallFilters): number {
  return Object.entries(filters).filter(([name, value]) => name !== 'sort' && value).length
}

/** Whether the server looks for a number as well: a plus and digits, or four digits, with what people write between them. */
export function isNumber(search: string): boolean {
  if (!/^(tel:)?[(\s]*\+?[\d\s()./\p{Pd}]*$/iu.test(search)) return false
  const digits = search.replace(/\D/g, '').length
  return digits <= 20 && digits >= (search.includes('+') ? 1 : 4)
}

/** The filters as the server's query parameters. */
export function toQuery({ from, to, reached, ...filters }: CallFilters, zone: string | undefined): Record<string, string> {
  const query: Record<string, string> = { ...filters, ...(reached && { [reached]: 'true' }) }
  if (from) query.from = dayStart(from, zone).toISOString()
  if (to) query.to = dayStart(nextDay(to), zone).toISOString()
  return query
}
