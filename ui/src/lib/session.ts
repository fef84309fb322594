import { queryOptions, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { ClientResponseError } from 'pocketbase'
import { useSyncExternalStore } from 'react'
import { can, type Access, type Action } from './permissions'
import { pb } from './pb'
import { keys, recall, remember } from './prefs'

/** The signed-in person, as the dashboard uses it. */
export interface Me {
  id: string
  email: string
  name: string
  phone: string
  avatar: string
  language: '' | 'en' | 'fr'
  theme: '' | 'auto' | 'light' | 'dark'
  preferences: { shortcuts?: boolean } | null
  notifications?: Record<string, boolean> | null
  /** An authenticator app is set up. */
  two_factor?: boolean
  verified?: boolean
}

export interface Organization {
  id: string
  name: string
  country?: string
  timezone: string
  industry: string
  company_size: string
  logo: string
  currency: string
  plan: string
  paused?: boolean
}

export interface Membership extends Access {
  id: string
  user: string
  organization: string
  status: string
  is_default: boolean
  last_accessed_at: string
  /** Why the organization keeps the person out, when it does. */
  closed?: WhyClosed
  expand?: { organization?: Organization }
}

/** A membership whose organization the person may see. */
export type Place = Membership & { expand: { organization: Organization } }

/** What an organization asks for that the person lacks. */
export type WhyClosed = 'factor_missing' | 'foreign_network' | 'other_sign_in'

/**
 * Where a person belongs: organizations that are open to them, memberships whose organization keeps them out for now, and those
 * that somebody paused.
 */
export interface Places {
  open: Place[]
  closed: Membership[]
  paused: Membership[]
}

const subscribe = (listener: () => void) => pb.authStore.onChange(listener)

// The store parses its record anew at each reading; React needs the same object until something changes.
let snapshot: { json: string; me: Me | null } = { json: '', me: null }
function current(): Me | null {
  const me = pb.authStore.isValid ? (pb.authStore.record as unknown as Me | null) : null
  const json = JSON.stringify(me)
  if (json !== snapshot.json) snapshot = { json, me }
  return snapshot.me
}

export function useMe(): Me | null {
  return useSyncExternalStore(subscribe, current)
}

const isOpen = (row: Membership): row is Place => row.expand?.organization !== undefined

/** Where the person belongs: one row an organization, the default first, then by name. */
export const placesQuery = (user: string) =>
  queryOptions({
    queryKey: ['me', 'memberships', user],
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => {
      const rows = await pb.collection('memberships').getFullList<Membership>({
        filter: pb.filter('user = {:user}', { user }),
        expand: 'organization',
        signal,
      })
      const active = rows.filter((row) => row.status === 'active')
      const first = (a: Membership, b: Membership) => Number(b.is_default) - Number(a.is_default)
      return {
        open: active.filter(isOpen).sort((a, b) => first(a, b) || a.expand.organization.name.localeCompare(b.expand.organization.name)),
        // Whoever is kept out of an organization is not told its name.
        closed: active.filter((row) => !isOpen(row)).sort(first),
        paused: rows.filter((row) => row.status === 'suspended'),
      } satisfies Places
    },
  })

/** Reports whether an answer was refused because the organization keeps the person out. */
export function saysClosed(error: unknown): boolean {
  const word = error instanceof ClientResponseError && (error.response as { code?: unknown }).code
  return word === 'factor_missing' || word === 'foreign_network' || word === 'other_sign_in'
}

/** The organization to open when the address names none: the last one used here, else the default, else one that is closed. */
export function lastPlace({ open, closed }: Places): Membership | undefined {
  return lastOpen(open) ?? closed[0]
}

function lastOpen(open: readonly Place[]): Place | undefined {
  const last = recall(keys.organization)
  return open.find((p) => p.organization === last) ?? open[0]
}

export function rememberPlace(organization: string): void {
  remember(keys.organization, organization)
}

export interface HereResult {
  places: readonly Place[]
  /** Memberships whose organization keeps the person out for now. */
  closed: readonly Membership[]
  place: Place | undefined
  /** The membership in place of `place` when the organization on screen is closed. */
  closedHere: Membership | undefined
  organization: Organization | undefined
  can: (action: Action) => boolean
}

const nowhere: Places = { open: [], closed: [], paused: [] }

/** The organization in the address (or the last used one, on pages like /me) and what the person may do there. */
export function useHere(): HereResult {
  const me = useMe()
  const { org } = useParams({ strict: false }) as { org?: string }
  const { data: { open, closed } = nowhere } = useQuery({ ...placesQuery(me?.id ?? ''), enabled: me !== null })
  const place = org ? open.find((p) => p.organization === org) : lastOpen(open)
  const closedHere = place ? undefined : org ? closed.find((p) => p.organization === org) : closed[0]
  return { places: open, closed, place, closedHere, organization: place?.expand.organization, can: (action) => can(place, action) }
}

/** The address of an area. A plain string: areas are data, so the router cannot check them while compiling. */
export function areaPath(organization: string, path: string): string {
  return `/o/${organization}/${path}`
}

/** The id in the address of a page under /o/$org. */
export function useOrg(): string {
  return (useParams({ strict: false }) as { org: string }).org
}
