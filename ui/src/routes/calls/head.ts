interface Page<T> {
  items: T[]
}

/**
 * Brings the first page of a long list up to date without asking for all the others again: rows that are known change
 * where they stand, new ones come first. Rows keep their order, so nothing jumps under a reader further down.
 */
export function mergeHead<T extends { id: string }, P extends Page<T>>(pages: readonly P[], head: readonly T[]): P[] {
  const fresh = new Map(head.map((item) => [item.id, item]))
  const known = new Set(pages.flatMap((page) => page.items.map((item) => item.id)))
  const added = head.filter((item) => !known.has(item.id))
  return pages.map((page, i) => ({
    ...page,
    items: [...(i === 0 ? added : []), ...page.items.map((item) => fresh.get(item.id) ?? item)],
  }))
}
