import { useForm, type UseFormReturnType } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Problem } from './errors'
import { useSubmit } from './form'
import { number } from './format'
import { useT, type Key, type T } from './i18n'
import { pb } from './pb'
import { limits, type Records } from './pb-types.gen'
import { useRebasing } from './rebasing'
import { useOrg } from './session'

type Values = Record<string, unknown>

/** What the form of a record and that of a new one share. */
interface Shared<V> {
  /** A sentence for each value that cannot be saved as it is. */
  problems?: (values: V, t: T) => Partial<Record<keyof V & string, string>>
}

/** How a record becomes a form, and a form what is saved. */
export interface EditForm<R, V> extends Shared<V> {
  /** The same function at every drawing, so that it is asked again only for another record. */
  toForm: (record: R) => V
  /** What is sent; `base` is what the record held, so that only what was changed goes out. */
  toBody: (values: V, base: V) => object
  /** A field's name, for who must choose between two people's changes of it. */
  label: (name: keyof V & string) => Key
}

/** A field that somebody else changed too. */
export interface Conflict {
  label: string
  /** What they wrote; only words and figures can be told so. */
  theirs?: string
}

/** What a new record begins with, and what is sent of it. */
export interface NewForm<V> extends Shared<V> {
  start: V
  toBody: (values: V) => object
}

/** The fields asked for of what the collection stored, or what sends the body elsewhere. */
type Store<R> = readonly (keyof R & string)[] | ((body: object) => Promise<R>)

type FormOf<R, V> = { done?: (stored: R) => void } & ((EditForm<R, V> & {
  record: R
  /** Of a record that is gone: what is sent to make it again. */
  anew?: ((values: V) => object) | undefined
}) | NewForm<V>)

export interface Editor<R, V extends Values> {
  form: UseFormReturnType<V>
  /** None while a new one is being made. */
  record: R | undefined
  /** The values of the record as last seen. */
  base: V
  dirty: boolean
  submit: ReturnType<typeof useSubmit<V, unknown>>['submit']
  busy: boolean
  /** What went wrong beside the fields. */
  failure: Problem | undefined
  /** A save waits until the person has chosen. */
  conflicts: Conflict[]
  takeTheirs: () => void
  keepMine: () => void
  discard: () => void
}

/**
 * The form of one record, filled from it and kept true to it, or of a new one. A save sends what was changed, puts refused
 * fields in their places and makes every list of the collection stale.
 */
export function useEditor<R extends { id: string }, V extends Values>(
  collection: keyof Records,
  to: Store<R>,
  options: FormOf<R, V>,
): Editor<R, V> {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { problems, done } = options
  const edit = 'record' in options ? options : undefined
  const start = 'record' in options ? undefined : options.start
  const { record, toForm } = edit ?? {}
  const seen = useMemo(() => (record && toForm ? toForm(record) : start!), [record, toForm, start])
  const form = useForm<V>({
    mode: 'controlled',
    initialValues: seen,
    validate: (values) => problems?.(values, t) ?? {},
  })
  const rebasing = useRebasing(form, seen)
  const store = (body: object): Promise<R> => {
    if (typeof to === 'function') return to(body)
    const asked = { fields: to.join() }
    if (record && !edit?.anew) return pb.collection(collection).update<R>(record.id, body, asked)
    return pb.collection(collection).create<R>({ organization: org, ...body }, asked)
  }
  const { submit, failure, busy, setFailure } = useSubmit(form, async (sent) => {
    const again = 'record' in options ? options.anew : options.toBody
    const body = 'record' in options && !again ? options.toBody(sent, rebasing.base) : again!(sent)
    return { sent, stored: await store(body) }
  }, ({ sent, stored }) => {
    if (toForm) rebasing.stored(toForm(stored), sent)
    void queries.invalidateQueries({ queryKey: [org, collection] })
    done?.(stored)
  })
  const conflicts = edit ? rebasing.conflicts.map((name) => ({
    label: t(edit.label(name)), ...told(collection, name, rebasing.base[name]),
  })) : []
  return {
    form, record, submit, busy, failure, conflicts,
    base: rebasing.base, dirty: rebasing.dirty, takeTheirs: rebasing.takeTheirs, keepMine: rebasing.keepMine,
    discard: () => {
      rebasing.discard()
      setFailure(undefined)
    },
  }
}

/** A value as a person wrote it. Of what was chosen (a code, an id, a list) nothing is told. */
function told(collection: keyof Records, name: string, value: unknown): { theirs?: string } {
  const limit = (limits as Record<string, Record<string, { max?: number; values?: unknown }>>)[collection]?.[name]
  if (typeof value === 'number') return { theirs: number(value) }
  return typeof value === 'string' && limit?.max && !limit.values ? { theirs: value } : {}
}
