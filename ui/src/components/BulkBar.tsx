import { CloseButton, Paper, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useT } from '../lib/i18n'
import classes from './BulkBar.module.css'

/** How many rows are selected and what can be done with them, in sight wherever the list is scrolled to. */
export function BulkBar({ count, all, onClear, children }: {
  count: number
  /** Selects all rows, where no head of a table does. */
  all: ReactNode
  onClear: () => void
  children: ReactNode
}) {
  const t = useT()
  return (
    <Paper className={classes.bar} withBorder shadow="md" p="xs" pl="md" role="region" aria-label={t('list.bulk')}>
      {all}
      <Text size="sm" fw={600} role="status">{t('list.picked', { count })}</Text>
      <div className={classes.actions}>{children}</div>
      {count > 0 && <CloseButton aria-label={t('list.clear')} onClick={onClear} className={classes.clear} />}
    </Paper>
  )
}
