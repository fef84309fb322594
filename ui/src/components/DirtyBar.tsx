import { Button, Group, Paper, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useT } from '../lib/i18n'
import { confirm } from './confirm'
import classes from './DirtyBar.module.css'

/** The bar of a changed form, and the guard that asks before its changes are lost. Put it inside the form. */
export function DirtyBar({ dirty, saving, onDiscard }: { dirty: boolean; saving: boolean; onDiscard: () => void }) {
  const t = useT()
  useBlocker({
    // A tab or a filter of the same page keeps the form.
    shouldBlockFn: async ({ current, next }) => current.pathname !== next.pathname && !(await confirm({ title: t('dirty.leaveTitle'), body: t('dirty.leaveText'), action: t('dirty.leave'), danger: true })),
    enableBeforeUnload: dirty,
    disabled: !dirty || saving,
  })
  if (!dirty) return null
  return (
    <Paper className={classes.bar} withBorder shadow="md" p="xs" pl="md" role="region" aria-label={t('dirty.unsaved')}>
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
