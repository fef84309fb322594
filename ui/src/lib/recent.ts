import { pb } from './pb'

/** A page that somebody opened: a call, an assistant. */
export interface Visit {
  path: string
  title: string
  /** What it is one of. */
  area: string
}

const KEY = 'pocketline.recent'
const MOST = 6

// Names of callers are among them: they last as long as this tab, and end with the session.
pb.authStore.onChange((token) => {
  if (!token) sessionStorage.removeItem(KEY)
})

function read(): Record<string, Visit[]> {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Record<string, Visit[]>
  } catch {
    return {}
  }
}

/** What was opened in an organization in this tab, the latest first. */
export const recent = (organization: string): Visit[] => read()[organization] ?? []

/** Remembers that a page was opened, under the name it has now. */
export function visited(organization: string, visit: Visit): void {
  const others = recent(organization).filter(({ path }) => path !== visit.path)
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...read(), [organization]: [visit, ...others].slice(0, MOST) }))
  } catch {
    // Storage is off or full: nothing was opened lately, then.
  }
}
