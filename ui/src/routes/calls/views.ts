import { monday } from '../../lib/days'
import { readFilters, type CallFilters } from './filters'

/** A choice of filters and order that a person gave a name, in one organization. */
export interface View {
  id: string
  name: string
  filters: CallFilters
}

/** More would not be found again in a menu, and a person's preferences take 16 KB in all. */
export const VIEWS_MAX = 20
export const VIEW_NAME_MAX = 60

/** Where the views of an organization stand in a person's preferences: a key each, because those are merged key by key. */
export const viewsKey = (organization: string) => `calls_views_${organization}`

/** Reads what is stored. What is not a view is left out: filters of an older or newer dashboard may be among them. */
export function readViews(stored: unknown): View[] {
  if (!Array.isArray(stored)) return []
  const seen = new Set<string>()
  return stored.flatMap((one: unknown) => {
    const { id, name, filters } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    if (typeof id !== 'string' || !/^\w{1,16}$/.test(id) || typeof name !== 'string' || typeof filters !== 'object' || filters === null) return []
    const view = { id, name: name.trim().slice(0, VIEW_NAME_MAX), filters: readFilters(filters as Record<string, unknown>) }
    if (!view.name || seen.has(id) || Object.keys(view.filters).length === 0) return []
    seen.add(id)
    return [view]
  }).slice(0, VIEWS_MAX)
}

const written = (filters: CallFilters) => JSON.stringify(Object.entries(filters).filter(([, value]) => value).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Whether two choices show the same list. */
export const same = (one: CallFilters, other: CallFilters): boolean => written(one) === written(other)

/** The view that shows exactly this. */
export function viewOf(views: readonly View[], filters: CallFilters): View | undefined {
  return views.find((view) => same(view.filters, filters))
}

/** The lists that everybody has. `today` is the day where the organization is; a week begins on Monday. */
export function readyViews(today: string) {
  return [
    { id: 'all', filters: {} },
    { id: 'pending', filters: { resolution_status: 'pending' } },
    { id: 'missed', filters: { reached: 'missed' } },
    { id: 'week', filters: { from: monday(today) } },
  ] as const satisfies { id: string; filters: CallFilters }[]
}

const folded = (name: string) => name.trim().toLocaleLowerCase()

/** The view that has this name already, however it is capitalized. */
export function namesake(views: readonly View[], name: string, except?: string): View | undefined {
  return views.find((view) => view.id !== except && folded(view.name) === folded(name))
}

/** Keeps a view under a name. One of that name shows from now on what is kept here. */
export function keepView(views: readonly View[], name: string, filters: CallFilters, id: string): View[] {
  const old = namesake(views, name)
  if (old) return views.map((view) => (view === old ? { ...view, name: name.trim(), filters } : view))
  return [...views, { id, name: name.trim(), filters }].sort((a, b) => a.name.localeCompare(b.name))
}

/** New names by id, and the ids that go. Views that are not mentioned stay: another window may have added them. */
export interface ViewChanges {
  names: Record<string, string>
  gone: readonly string[]
}

export function changeViews(views: readonly View[], { names, gone }: ViewChanges): View[] {
  return views.filter((view) => !gone.includes(view.id))
    .map((view) => ({ ...view, name: names[view.id]?.trim() || view.name }))
    .sort((a, b) => a.name.localeCompare(b.name))
}
