import { Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A titled block of a page. */
export function Section({
  title,
  text,
  actions,
  children,
}: {
  title: string
  text?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <Paper withBorder p="lg" component="section" bg="var(--pl-surface)">
      <Stack gap="md">
        <div
          style={{
            display: 'flex',
            gap: '0.75rem',
            justifyContent: 'space-between',
            alignItems: 'flex-start',
            flexWrap: 'wrap',
          }}
        >
          <Stack gap={2} style={{ flex: '1 1 16rem' }}>
            <Title order={2} size="h3">{title}</Title>
            {text !== undefined && <Text size="sm" c="dimmed" component="div" maw="var(--pl-line)">{text}</Text>}
          </Stack>
          {actions}
        </div>
        {children}
      </Stack>
    </Paper>
  )
}
