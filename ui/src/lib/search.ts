// What the addresses of lists hold. Loaded with the first page, so it imports nothing.

// A longer search comes from a wrong paste.
const MAX = 100

/** A text of an address, short enough to be looked for; digits alone arrive as a number. */
export const typedIn = (value: unknown): string =>
  (typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, MAX) : '')

/** Reads the search of a list that has nothing but one. */
export function readSearch(raw: Record<string, unknown>): { q?: string } {
  const q = typedIn(raw.q)
  return q ? { q } : {}
}
