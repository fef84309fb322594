import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api'

/** One client of the overview. Figures are of the last seven days, in the client's zone. */
export interface Client {
  id: string
  name: string
  status: '' | 'active' | 'suspended' | 'closed'
  paused: boolean
  role?: string
  deletes_at?: string | null
  calls_7d: number
  days: number[]
  answered_percent: number | null
  open_items: number
  balance_minor: number | null
  currency: string
  minutes_used: number
  minutes_limit: number
  last_incident: { at: string; text?: string; reason?: string } | string | null
  attention: boolean | string | string[] | null
}

export const agencyQuery = queryOptions({
  queryKey: ['me', 'agency'],
  queryFn: async ({ signal }) => (await api.get<{ organizations: Client[] }>('/api/agency', { signal })).organizations,
  // Nobody's realtime covers all clients at once.
  refetchInterval: 60_000,
})

/** What happened to each client of one bulk action. */
export interface BulkAnswer {
  results?: { id: string; ok?: boolean; done?: boolean; error?: string; reason?: string; inviteLink?: string; emailSent?: boolean }[]
}

export type Bulk =
  | { action: 'pause' | 'resume' }
  | { action: 'limit'; minutes: number }
  | { action: 'invite'; email: string; role: string }

/** Whether somebody should look at this client now. */
export function needsAttention({ attention }: Pick<Client, 'attention'>): boolean {
  return Array.isArray(attention) ? attention.length > 0 : Boolean(attention)
}
