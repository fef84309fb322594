import { Container, Group, Stack, Text, Title } from '@mantine/core'
import { useEffect, useRef, type ReactNode } from 'react'
import { useT } from '../lib/i18n'

let arrived = false

/** A page inside the shell: sets the document's title and moves the focus to its heading on navigation. */
export function Page({ title, description, actions, size = 'xl', children }: {
  title: string
  description?: ReactNode
  actions?: ReactNode
  size?: 'sm' | 'md' | 'lg' | 'xl'
  children: ReactNode
}) {
  const t = useT()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${t('app.name')}`
  }, [title, t])
  useEffect(() => {
    // The first page keeps the browser's own start, so that the skip link stays the first stop.
    if (arrived) heading.current?.focus({ preventScroll: true })
    arrived = true
  }, [])
  return (
    <Container size={size} px={0} w="100%">
      <Stack gap="lg">
        <Group justify="space-between" align="flex-start" gap="sm">
          <Stack gap={4} miw={0}>
            <Title order={1} ref={heading} tabIndex={-1} className="pl-wrap">{title}</Title>
            {description !== undefined && <Text c="dimmed" size="sm" component="div">{description}</Text>}
          </Stack>
          {actions !== undefined && <Group gap="xs">{actions}</Group>}
        </Group>
        {children}
      </Stack>
    </Container>
  )
}
