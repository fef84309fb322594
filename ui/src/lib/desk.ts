import { queryOptions } from '@tanstack/react-query'
import { api } from './api'

/** What this installation is: answered to guests too, so sign-in can say what is possible. */
export interface Desk {
  version: string
  sandbox: boolean
  setup_needed: boolean
  /** Whoever makes the first account from here has to show the code the server printed. */
  setup_code: boolean
  public_url: string
  sign_up: 'open' | 'invite-only'
  mail: boolean
  /** The caller looks after this installation: the person who set it up, or a superuser. */
  operator: boolean
  /** Whom to ask for help, as the operator wrote it; told to who is signed in. */
  help_contact?: string
  /** The account of a demonstration, which everybody may use. */
  demo?: { email: string; password: string }
}

export const deskQuery = queryOptions({
  queryKey: ['desk'],
  queryFn: ({ signal }) => api.get<Desk>('/api/desk', { signal }),
  staleTime: 60_000,
  refetchOnWindowFocus: true,
})

/** The same, of one signed-in person: whether they are the operator. */
export const operatorQuery = (user: string) => queryOptions({ ...deskQuery, queryKey: ['desk', user], enabled: user !== '' })
