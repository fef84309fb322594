/** A changed form and a record that changed meanwhile, put together. */
export interface Rebased<V> {
  values: V
  /** Fields that both sides changed, differently; the person decides. */
  conflicts: (keyof V & string)[]
}

/** JSON with the keys of every object in order: servers and databases may give them in any. */
export function stable(value: unknown, space?: number): string | undefined {
  return JSON.stringify(value, (_, v: unknown) => (typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v), space)
}

export const same = (a: unknown, b: unknown): boolean => Object.is(a, b) || stable(a) === stable(b)

/** The fields of `mine` that differ from `base`: what a save sends, so that other people's changes survive it. */
export function changed<V extends object>(base: V, mine: V): Partial<V> {
  return Object.fromEntries(Object.entries(mine).filter(([name, value]) => !same(value, base[name as keyof V]))) as Partial<V>
}

/** Takes over what others changed and the person did not; keeps what the person typed. */
export function rebase<V extends object>(base: V, mine: V, theirs: V): Rebased<V> {
  const values = { ...mine }
  const conflicts: (keyof V & string)[] = []
  for (const name of Object.keys(theirs) as (keyof V & string)[]) {
    if (same(theirs[name], base[name])) continue
    if (same(mine[name], base[name])) values[name] = theirs[name]
    else if (!same(mine[name], theirs[name])) conflicts.push(name)
  }
  return { values, conflicts }
}
