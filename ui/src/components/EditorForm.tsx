import { Stack } from '@mantine/core'
import { useId, type FormEvent, type ReactNode } from 'react'
import type { Editor } from '../lib/editor'
import { ChangedMeanwhile } from './ChangedMeanwhile'
import { DirtyBar } from './DirtyBar'
import { ProblemAlert } from './States'

/** The form around an editor's fields: what others changed, what went wrong, and the bar that saves. */
export function EditorForm<R, V extends Record<string, unknown>>({ editor, writable = true, buttons, lost, children }: {
  editor: Editor<R, V>
  writable?: boolean
  /** In place of the bar. */
  buttons?: ReactNode
  /** Said in place of the bar of what was typed into a record that is gone. */
  lost?: ReactNode
  children: ReactNode
}) {
  const { submit, conflicts, takeTheirs, keepMine, failure, dirty, busy, discard } = editor
  const asking = useId()
  const notice = <ChangedMeanwhile id={asking} fields={conflicts} takeTheirs={takeTheirs} keepMine={keepMine} />
  const save = (event: FormEvent<HTMLFormElement>) => {
    if (conflicts.length === 0) return submit(event)
    // Whose change stays is the person's to say, not the button's.
    event.preventDefault()
    document.getElementById(asking)?.focus()
  }
  return (
    <form onSubmit={save} noValidate data-read-only={writable ? undefined : true}>
      <Stack gap="md">
        <ProblemAlert problem={lost && failure?.status === 404 ? undefined : failure} />
        {children}
        {lost || (buttons ? <>{notice}{buttons}</> : (
          <DirtyBar dirty={dirty && writable} saving={busy} notice={notice} onDiscard={discard} />
        ))}
      </Stack>
    </form>
  )
}
