import { queryOptions } from '@tanstack/react-query'
import { api } from './api'

/** What this installation is: answered to guests too, so sign-in can say what is possible. */
export interface Desk {
  version: string
  sandbox: boolean
  setup_needed: boolean
  public_url: string
  sign_up: 'open' | 'invite-only'
  mail: boolean
}

export const deskQuery = queryOptions({
  queryKey: ['desk'],
  queryFn: ({ signal }) => api.get<Desk>('/api/desk', { signal }),
  staleTime: 60_000,
  refetchOnWindowFocus: true,
})
