import { Paper, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './Call.module.css'

/** A titled part of the call page's side. */
export function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder className={classes.block} component="section">
      <Title order={2} size="h3" mb="sm">{title}</Title>
      {children}
    </Paper>
  )
}
