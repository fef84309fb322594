import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api'
import { straight } from '../../lib/strangers'
import { someCallsQuery, type CallItem } from '../calls/data'

interface Figures {
  calls: number
  answered: number
  missed: number
  /** Broke, some of them after they were answered. */
  failed: number
  seconds: number
}

export type Reason = 'held' | 'no_key' | 'no_address' | 'no_number' | 'no_assistant' | 'number_off' | 'assistant_off' | 'not_synced' | 'closed' | 'balance'

/** A number calls come in on. */
export interface PhoneLine {
  id: string
  /** '' until the provider has said it. */
  phone_number: string
  name: string
  assistant: string
  assistant_name: string
  /** Why nobody answers there. */
  reason: Reason | ''
}

/** Calls that are left for people; `items` are the newest of them. */
export interface Work {
  count: number
  items: CallItem[]
}

export interface HomeAnswer {
  answering: { ok: boolean; reason: Reason | ''; number: string }
  lines: PhoneLine[]
  /** Callers who expect a call back. */
  callbacks: Work
  /** What else nobody has settled. */
  open: Work
  week: Figures
  before: Figures
  days: { day: string; answered: number; missed: number }[]
  live: number
}

const LAST = 8

export const homeQuery = (organization: string) =>
  queryOptions({
    queryKey: [organization, 'calls', 'home'],
    queryFn: async ({ signal }) => straight(await api.get<HomeAnswer>(`/api/organizations/${organization}/home`, { signal })),
    meta: { collections: ['phone_numbers', 'assistants', 'organizations', 'contacts'] },
  })

export const lastCallsQuery = (organization: string) => someCallsQuery(organization, {}, LAST)
