import { Button, Group, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { Check, CircleAlert } from 'lucide-react'
import type { Problem } from '../lib/errors'
import { t } from '../lib/i18n'

// Long enough to notice and reach for it; the server keeps what is needed to undo at least this long.
const UNDO_MS = 10_000

export function saved(message: string): void {
  notifications.show({
    message,
    icon: <Check size={16} aria-hidden />,
    color: 'teal',
    closeButtonProps: { 'aria-label': t('actions.close') },
  })
}

/** Something to know that no button was pressed for; it stays until it is closed. */
export function told(message: string): void {
  notifications.show({
    message,
    icon: <CircleAlert size={16} aria-hidden />,
    color: 'yellow',
    autoClose: false,
    role: 'status',
    closeButtonProps: { 'aria-label': t('actions.close') },
  })
}

/** A failure of something that has no place of its own on the page. */
export function failed(problem: Problem): void {
  if (problem.aborted) return
  notifications.show({
    title: problem.title,
    message: problem.cause,
    icon: <CircleAlert size={16} aria-hidden />,
    color: 'red',
    autoClose: UNDO_MS,
    role: 'alert',
    closeButtonProps: { 'aria-label': t('actions.close') },
  })
}

/** Says what was done and offers to take it back for ten seconds. */
export function undoable(message: string, undo: () => void): void {
  const id = notifications.show({
    autoClose: UNDO_MS,
    closeButtonProps: { 'aria-label': t('actions.close') },
    message: (
      <Group justify="space-between" gap="xs">
        <Text size="sm">{message}</Text>
        <Button size="compact-sm" variant="light" onClick={() => {
          notifications.hide(id)
          undo()
        }}>{t('actions.undo')}</Button>
      </Group>
    ),
  })
}
