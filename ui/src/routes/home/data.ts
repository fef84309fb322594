import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api'
import { someCallsQuery } from '../calls/data'

interface Figures {
  calls: number
  answered: number
  missed: number
  seconds: number
}

export type Reason = 'no_number' | 'no_assistant' | 'number_off' | 'assistant_off' | 'not_synced' | 'closed' | 'balance'

export interface HomeAnswer {
  answering: { ok: boolean; reason: Reason | ''; number: string }
  week: Figures
  before: Figures
  days: { day: string; answered: number; missed: number }[]
  live: number
}

const LAST = 8

export const homeQuery = (organization: string) =>
  queryOptions({
    queryKey: [organization, 'calls', 'home'],
    queryFn: ({ signal }) => api.get<HomeAnswer>(`/api/organizations/${organization}/home`, { signal }),
    meta: { collections: ['phone_numbers', 'assistants', 'organizations'] },
  })

export const lastCallsQuery = (organization: string) => someCallsQuery(organization, {}, LAST)
