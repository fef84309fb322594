import type { UseFormReturnType } from '@mantine/form'
import { useEffect, useEffectEvent, useState } from 'react'
import { rebase, same } from './rebase'

/** A form filled from a record that others may change while it is being edited. */
export interface Rebasing<V> {
  /** The values of the record as last seen: what the form is compared with. */
  base: V
  dirty: boolean
  /** Fields that somebody else changed too. */
  conflicts: (keyof V & string)[]
  takeTheirs: () => void
  keepMine: () => void
  /** Takes over what a save has stored; what was typed since it was sent stays. */
  stored: (values: V, sent: V) => void
  discard: () => void
}

/** Keeps a form true to its record: what others change is taken over, what the person typed is kept. */
export function useRebasing<V extends Record<string, unknown>>(form: UseFormReturnType<V>, record: V): Rebasing<V> {
  const [base, setBase] = useState(record)
  const [conflicts, setConflicts] = useState<(keyof V & string)[]>([])
  const take = (theirs: V, from: V) => {
    const { values, conflicts: both } = rebase(from, form.getValues(), theirs)
    form.setValues(values)
    setBase(theirs)
    return both
  }
  const follow = useEffectEvent((theirs: V) => {
    if (same(theirs, base)) return
    const both = take(theirs, base)
    setConflicts((known) => [...new Set([...known, ...both])].filter((name) => !same(theirs[name], form.getValues()[name])))
  })
  // oxlint-disable-next-line react/set-state-in-effect -- the record is the world outside: realtime changes it
  useEffect(() => follow(record), [record])
  const dirty = !same(base, form.values)
  return {
    base, dirty, conflicts: dirty ? conflicts : [],
    takeTheirs: () => {
      form.setValues({ ...form.getValues(), ...Object.fromEntries(conflicts.map((name) => [name, base[name]])) })
      setConflicts([])
    },
    keepMine: () => setConflicts([]),
    stored: (values, sent) => {
      take(values, sent)
      setConflicts([])
    },
    discard: () => {
      form.setValues(base)
      form.clearErrors()
      setConflicts([])
    },
  }
}
