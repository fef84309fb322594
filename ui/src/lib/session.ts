import { queryOptions, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
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
  timezone: string
  industry: string
  company_size: string
  logo: string
  currency: string
  plan: string
}

export interface Membership extends Access {
  id: string
  user: string
  organization: string
  status: string
  is_default: boolean
  last_accessed_at: string
  expand?: { organization?: Organization }
}

/** A membership whose organization the person may see. */
export type Place = Membership & { expand: { organization: Organization } }

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
      return rows
        .filter((row): row is Place => row.status === 'active' && row.expand?.organization !== undefined)
        .sort((a, b) => Number(b.is_default) - Number(a.is_default) || a.expand.organization.name.localeCompare(b.expand.organization.name))
    },
  })

/** The organization to open when the address names none: the last one used here, else the default. */
export function lastPlace(places: readonly Place[]): Place | undefined {
  const last = recall(keys.organization)
  return places.find((p) => p.organization === last) ?? places[0]
}

export function rememberPlace(organization: string): void {
  remember(keys.organization, organization)
}

export interface HereResult {
  places: readonly Place[]
  place: Place | undefined
  organization: Organization | undefined
  can: (action: Action) => boolean
}

/** The organization in the address (or the last used one, on pages like /me) and what the person may do there. */
export function useHere(): HereResult {
  const me = useMe()
  const { org } = useParams({ strict: false }) as { org?: string }
  const { data: places = [] } = useQuery({ ...placesQuery(me?.id ?? ''), enabled: me !== null })
  const place = org ? places.find((p) => p.organization === org) : lastPlace(places)
  return { places, place, organization: place?.expand.organization, can: (action) => can(place, action) }
}

/** The address of an area. A plain string: areas are data, so the router cannot check them while compiling. */
export function areaPath(organization: string, path: string): string {
  return `/o/${organization}/${path}`
}

/** The id in the address of a page under /o/$org. */
export function useOrg(): string {
  return (useParams({ strict: false }) as { org: string }).org
}
