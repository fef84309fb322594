import type { CallFilters } from './filters'

/** The list a call was opened from: "back", "previous" and "next" of the call's page follow it. Lasts as long as the page. */
let trail: { organization: string; filters: CallFilters } | undefined

export function setTrail(organization: string, filters: CallFilters): void {
  trail = { organization, filters }
}

export function trailOf(organization: string): CallFilters {
  return trail?.organization === organization ? trail.filters : {}
}
