import { Button, Group, Paper, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { confirm } from './confirm'
import classes from './DirtyBar.module.css'

/** The guard that asks before what was typed is lost. What a save leads to is gone to with `ignoreBlocker`. */
export function useLeaveGuard(dirty: boolean, saving: boolean): void {
  const t = useT()
  useBlocker({
    // A tab or a filter of the same page keeps the form.
    shouldBlockFn: async ({ current, next }) =>
      current.pathname !== next.pathname &&
      !(await confirm({
        title: t('dirty.leaveTitle'),
        body: t('dirty.leaveText'),
        action: t('dirty.leave'),
        danger: true,
      })),
    enableBeforeUnload: dirty,
    disabled: !dirty || saving,
  })
}

/** The bar of a changed form, and the guard on its changes. Put it inside the form. */
export function DirtyBar({ dirty, saving, notice, onDiscard }: {
  dirty: boolean
  saving: boolean
  /** What must be answered before a save: above the buttons, where it is seen. */
  notice?: ReactNode
  onDiscard: () => void
}) {
  const t = useT()
  useLeaveGuard(dirty, saving)
  useEffect(() => {
    if (!dirty) return
    // The pressed button goes with the bar; the keyboard goes on from the page's heading.
    return () => {
      if ((document.activeElement ?? document.body) === document.body)
        document.querySelector('h1')?.focus({ preventScroll: true })
    }
  }, [dirty])
  if (!dirty) return null
  return (
    <Paper className={classes.bar} withBorder shadow="md" p="xs" pl="md" role="region" aria-label={t('dirty.unsaved')}>
      {notice}
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={550} className={classes.said}>{t('dirty.unsaved')}</Text>
        <Group gap="xs" className={classes.buttons}>
          <Button variant="default" onClick={onDiscard} disabled={saving}>{t('dirty.discard')}</Button>
          <Button type="submit" loading={saving}>{t('actions.save')}</Button>
        </Group>
      </Group>
    </Paper>
  )
}
