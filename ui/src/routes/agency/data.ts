import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api'

/** Why somebody should look at a client now, worst first. */
export const reasons = ['closed', 'suspended', 'balance_empty', 'paused', 'no_number', 'sync_failed', 'incident', 'minutes_used_up', 'balance_low', 'minutes_low'] as const
export type Reason = (typeof reasons)[number]

/** One client of the overview. Figures are of the last seven days, in the client's zone. */
export interface Client {
  id: string
  name: string
  status: '' | 'active' | 'suspended' | 'closed'
  paused: boolean
  calls_7d: number
  days: number[]
  answered_percent: number | null
  open_items: number
  balance_minor: number
  currency: string
  minutes_used: number
  minutes_limit: number
  last_incident: { at: string; what: string } | null
  attention: Reason[]
}

/** The clients of a person, as the server orders them: those that need somebody first. */
export const agencyQuery = queryOptions({
  queryKey: ['me', 'agency'],
  queryFn: async ({ signal }) => (await api.get<{ organizations: Client[] }>('/api/agency', { signal })).organizations,
  // Nobody's realtime covers all clients at once.
  refetchInterval: 60_000,
})

export type Bulk =
  | { action: 'pause' | 'resume' }
  | { action: 'limit'; minutes: number }
  | { action: 'invite'; email: string; full_name: string; role: string } & Record<string, string | boolean>

/** What happened to each client of one bulk action. */
export interface BulkAnswer {
  results: { organization: string; ok: boolean; error?: string; inviteLink?: string; emailSent?: boolean }[]
}
