import { Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Plus, Trash2 } from 'lucide-react'
import { useEffect, useEffectEvent, type ReactNode } from 'react'
import { useEditor, type EditForm, type Editor, type NewForm } from '../lib/editor'
import { problem, type Problem } from '../lib/errors'
import { useT, type Key } from '../lib/i18n'
import { pb } from '../lib/pb'
import type { Records } from '../lib/pb-types.gen'
import type { Action } from '../lib/permissions'
import { changed } from '../lib/rebase'
import { useRecord } from '../lib/record'
import { areaPath, useHere, useOrg } from '../lib/session'
import { useShortcut } from '../lib/shortcuts'
import { confirm, type Question } from './confirm'
import { DeletedMeanwhile } from './DeletedMeanwhile'
import { useLeaveGuard } from './DirtyBar'
import { EditorForm } from './EditorForm'
import { Page, type PageSize } from './Page'
import { ErrorState, Forbidden, Missing, SkeletonAfter200ms } from './States'
import { failed, saved } from './toast'

type Under<Name extends string> = Key extends infer K ? (K extends `${infer Noun}.${Name}` ? Noun : never) : never

/** One kind of record: where it is kept and shown, who may see and who may change it. */
export interface Kind<R extends { id: string }> {
  collection: keyof Records
  /** Those the page of one record shows. */
  fields: readonly (keyof R & string)[]
  /** The list, below /o/$org; a record is at `path/id`, a new one at `path/new`. */
  path: string
  /** Where the words `title` (of the list), `one` and `new` are. */
  words: Under<'title'> & Under<'one'> & Under<'new'>
  view: Action
  manage: Action
}

type Row = { id: string; sync_status?: string }
type Values = Record<string, unknown>

function useBack({ path, words }: Pick<Kind<Row>, 'path' | 'words'>) {
  const t = useT()
  return { to: areaPath(useOrg(), path), label: t(`${words}.title`) }
}

/** What is drawn inside: the editor, and whether the person may write. */
export type Editing<R, V extends Values> = Editor<R, V> & { record: R; writable: boolean }

interface Drawn<R, V extends Values> {
  title: (record: R) => string
  description?: (record: R, writable: boolean) => ReactNode
  /** For who may change the record: what else can be done with it. */
  actions?: (record: R) => ReactNode
  size?: PageSize
  said: Key
  children: (editing: Editing<R, V>) => ReactNode
  /** Below the form, where another form has no effect on this one. */
  after?: (editing: Editing<R, V>) => ReactNode
}

/** The page of one record, in all its states: not there, not theirs to see, changed meanwhile, being saved. */
export function RecordPage<R extends Row, V extends Values>({
  of,
  ...drawn
}: Drawn<R, V> & { of: Kind<R> & EditForm<R, V> & Partial<Pick<NewForm<V>, 'start'>> }) {
  const t = useT()
  const { can } = useHere()
  const { id } = useParams({ strict: false }) as { id: string }
  const back = useBack(of)
  const found = useRecord<R>(useOrg(), of.collection, id, of.fields)
  if (!can(of.view)) return <Forbidden level={1} />
  if (found.isPending)
    return (
      <Page title={t(`${of.words}.one`)} back={back} size={drawn.size}>
        <SkeletonAfter200ms lines={8} />
      </Page>
    )
  if (!found.data && (!found.error || problem(found.error, t).status === 404)) return <Missing back={back} />
  if (!found.data)
    return <ErrorState error={found.error} onRetry={() => void found.refetch()} level={1} />
  return (
    <Existing
      key={id}
      of={of}
      record={found.data}
      gone={!!found.error && problem(found.error, t).status === 404}
      look={() => void found.refetch()}
      {...drawn}
    />
  )
}

function Existing<R extends Row, V extends Values>({
  of,
  record,
  gone,
  look,
  ...drawn
}: Drawn<R, V> & {
  of: Kind<R> & EditForm<R, V> & Partial<Pick<NewForm<V>, 'start'>>
  record: R
  /** Somebody deleted it while it was shown here. */
  gone: boolean
  /** Looks whether it is still there. */
  look: () => void
}) {
  const t = useT()
  const { can } = useHere()
  const back = useBack(of)
  const navigate = useNavigate()
  const { toForm, toBody, label, problems } = of
  const anew = of.start ? (of as unknown as NewForm<V>).toBody : undefined
  const editor = useEditor<R, V>(of.collection, of.fields, {
    record,
    toForm,
    toBody,
    label,
    problems,
    ...(gone && { anew }),
    done: ({ id }) => {
      saved(t(drawn.said))
      if (gone) void navigate({ to: `${back.to}/${id}`, replace: true, ignoreBlocker: true })
    },
  })
  // A save answers the same of what may no longer be changed.
  const missed = editor.failure?.status === 404
  const lookAgain = useEffectEvent(look)
  useEffect(() => {
    if (missed) lookAgain()
  }, [missed])
  const writable = can(of.manage) && record.sync_status !== 'deleting'
  const editing = { ...editor, record, writable }
  return (
    <Page
      title={drawn.title(record)}
      description={drawn.description?.(record, writable)}
      size={drawn.size}
      back={back}
      actions={writable ? drawn.actions?.(record) : undefined}
    >
      <EditorForm
        editor={editor}
        writable={writable}
        lost={gone && editor.dirty && (
          <DeletedMeanwhile
            name={drawn.title(record)}
            typed={textOf(changed(editor.base, editor.form.values))}
            anew={anew !== undefined}
            saving={editor.busy}
          />
        )}
      >
        {drawn.children(editing)}
      </EditorForm>
      {drawn.after?.(editing)}
    </Page>
  )
}

const textOf = (values: object) => Object.values(values).filter((value) => typeof value === 'string').join('\n\n')

/** The page that makes a record, and leads to it. */
export function NewPage<R extends Row, V extends Values>({ of, ...drawn }: {
  of: Kind<R> & NewForm<V>
  text: string
  /** What the button does. */
  create: string
  said?: string | undefined
  children: (editor: Editor<R, V>) => ReactNode
}) {
  const { can } = useHere()
  if (!can(of.manage)) return <Forbidden level={1} />
  return <Making of={of} {...drawn} />
}

function Making<R extends Row, V extends Values>({
  of,
  text,
  create,
  said,
  children,
}: Parameters<typeof NewPage<R, V>>[0]) {
  const t = useT()
  const back = useBack(of)
  const navigate = useNavigate()
  const { start, toBody, problems } = of
  const editor = useEditor<R, V>(of.collection, of.fields, {
    start,
    toBody,
    problems,
    done: ({ id }) => {
      if (said) saved(said)
      void navigate({ to: `${back.to}/${id}`, replace: true, ignoreBlocker: true })
    },
  })
  useLeaveGuard(editor.dirty, editor.busy)
  return (
    <Page title={t(`${of.words}.new`)} description={text} size="md" back={back}>
      <EditorForm editor={editor} buttons={<div><Button type="submit" loading={editor.busy}>{create}</Button></div>}>
        {children(editor)}
      </EditorForm>
    </Page>
  )
}

/** The way to a new record, for who may make one. */
export function useNewLink({ path, words, manage }: Pick<Kind<Row>, 'path' | 'words' | 'manage'>): ReactNode {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const navigate = useNavigate()
  const to = areaPath(org, `${path}/new`)
  useShortcut('n', () => void navigate({ to }), can(manage))
  if (!can(manage)) return undefined
  return (
    <Button component={Link} to={to} leftSection={<Plus size={16} aria-hidden />}>
      {t(`${words}.new`)}
    </Button>
  )
}

/**
 * Deletes a record once its question is answered, and leads back to the list. `used` is asked when something else needs the
 * record: it says what the server said, and goes on by force.
 */
export function useRemove(
  { collection, path }: Pick<Kind<Row>, 'collection' | 'path'>,
  id: string,
  done: string,
  used?: (found: Problem) => Question,
) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: (force: boolean) => pb.collection(collection).delete(id, force ? { query: { force: 'true' } } : {}),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [org, collection] })
      saved(done)
      void navigate({ to: areaPath(org, path), ignoreBlocker: true })
    },
    onError: async (error, force) => {
      const found = problem(error, t)
      if (force || !used || found.status !== 409) return failed(found)
      if (await confirm({ danger: true, ...used(found) })) remove.mutate(true)
    },
  })
  const ask = async (question: Question) => {
    if (await confirm({ danger: true, ...question })) remove.mutate(false)
  }
  return { ask, busy: remove.isPending }
}

/** The button of `useRemove`. */
export function RemoveButton({
  of,
  id,
  question,
  done,
}: {
  of: Pick<Kind<Row>, 'collection' | 'path'>
  id: string
  question: Question
  done: string
}) {
  const { ask, busy } = useRemove(of, id, done)
  return (
    <Button
      variant="default"
      loading={busy}
      leftSection={<Trash2 size={16} aria-hidden />}
      onClick={() => void ask(question)}
    >
      {question.action}
    </Button>
  )
}
