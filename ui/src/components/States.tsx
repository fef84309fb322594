import { Alert, Anchor, Box, Button, Center, Code, Group, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import '@mantine/core/styles/ThemeIcon.layer.css'
import { Link } from '@tanstack/react-router'
import { CircleAlert, Compass, FilterX, Lock, RotateCw, SearchX, type LucideIcon } from 'lucide-react'
import { useEffect, useMemo, useState, type ReactNode } from 'react'
import { problem, type Problem } from '../lib/errors'
import { useT } from '../lib/i18n'
import { useTitle } from '../lib/title'

function State({ icon: Icon, color = 'gray', title, text, children, role, level = 2 }: {
  icon: LucideIcon
  color?: string
  title: string
  text?: ReactNode
  children?: ReactNode
  role?: string
  /** 1 when the state is the whole page, so that the page has its heading. */
  level?: 1 | 2
}) {
  useTitle(level === 1 ? title : undefined)
  return (
    <Center py={32} px="md" role={role}>
      <Stack align="center" gap="xs" maw={440} ta="center">
        <ThemeIcon size={48} radius="xl" variant="light" color={color} mb={4}>
          <Icon size={22} aria-hidden />
        </ThemeIcon>
        <Title order={level} size="h3">{title}</Title>
        {text !== undefined && <Text c="dimmed" size="sm" component="div" className="pl-wrap">{text}</Text>}
        {children !== undefined && <Group mt="sm" justify="center" gap="xs">{children}</Group>}
      </Stack>
    </Center>
  )
}

/** Nothing here yet: one sentence on what will be here, one action, maybe an example. */
export function EmptyState({ icon, title, text, action, example, level }: {
  icon: LucideIcon
  title: string
  text: ReactNode
  action?: ReactNode
  example?: ReactNode
  level?: 1 | 2
}) {
  return (
    <>
      <State icon={icon} color="teal" title={title} text={text} level={level}>{action}</State>
      {example !== undefined && <Box maw={520} mx="auto" pb="xl" px="md">{example}</Box>}
    </>
  )
}

/** Filtered to nothing: another matter than empty. */
export function NoMatch({ onClear }: { onClear?: () => void }) {
  const t = useT()
  return (
    <State icon={SearchX} title={t('states.noMatch.title')} text={t('states.noMatch.text')} role="status">
      {onClear && (
        <Button variant="default" leftSection={<FilterX size={16} aria-hidden />} onClick={onClear}>
          {t('states.noMatch.clear')}
        </Button>
      )}
    </State>
  )
}

/** A member without the right role; the page exists, but not for them. */
export function Forbidden({ level, title, cause }: { level?: 1 | 2; title?: string; cause?: string }) {
  const t = useT()
  return (
    <State
      icon={Lock}
      title={title ?? t('errors.forbidden.title')}
      text={cause ?? t('errors.forbidden.cause')}
      level={level}
    />
  )
}

/** A failed load, in place of what should be here. */
export function ErrorState({ error, onRetry, level }: { error: unknown; onRetry?: () => void; level?: 1 | 2 }) {
  const t = useT()
  const found = useMemo(() => problem(error, t), [error, t])
  if (found.status === 403) return <Forbidden level={level} title={found.title} cause={found.cause} />
  return (
    <State
      icon={found.status === 404 ? SearchX : CircleAlert}
      color={found.status === 404 ? 'gray' : 'red'}
      title={found.title}
      role="alert"
      level={level}
      text={
        <>
          {found.cause}
          {found.requestId && (
            <>
              {' '}
              <RequestId id={found.requestId} />
            </>
          )}
        </>
      }
    >
      {onRetry && found.status !== 404 && <Retry problem={found} onRetry={onRetry} />}
    </State>
  )
}

function RequestId({ id }: { id: string }) {
  const t = useT()
  return <Text span size="xs">{t('errors.requestId')} <Code>{id}</Code></Text>
}

/** Try again; after "too many requests" it counts down first. */
function Retry({ problem: { retryAfter = 0 }, onRetry }: { problem: Problem; onRetry: () => void }) {
  const t = useT()
  const [left, setLeft] = useState(retryAfter)
  useEffect(() => {
    if (left <= 0) return
    const timer = setTimeout(() => setLeft(left - 1), 1000)
    return () => clearTimeout(timer)
  }, [left])
  return (
    <Button variant="default" disabled={left > 0} leftSection={<RotateCw size={16} aria-hidden />} onClick={onRetry}>
      {left > 0 ? t('states.retryIn', { count: left }) : t('states.retry')}
    </Button>
  )
}

/** A failure of something that was pressed, shown where it was pressed. */
export function ProblemAlert({
  problem: found,
  action,
}: {
  problem: Problem | undefined
  action?: { label: string; run: () => void }
}) {
  if (!found || found.aborted) return null
  return (
    <Alert color="red" variant="light" icon={<CircleAlert size={18} aria-hidden />} title={found.title} role="alert">
      <Stack gap={4}>
        <Text size="sm" className="pl-wrap">{found.cause}</Text>
        {found.requestId && <RequestId id={found.requestId} />}
        {action && (
          <Anchor component="button" type="button" size="sm" ta="start" onClick={action.run}>
            {action.label}
          </Anchor>
        )}
      </Stack>
    </Alert>
  )
}

// Answers that arrive sooner show no skeleton: a flash of grey reads as slowness.
const PATIENCE_MS = 200

/** Shows `children` (a skeleton in the final layout) only when waiting lasts; tells assistive technology at once. */
export function SkeletonAfter200ms({ children, lines = 4 }: { children?: ReactNode; lines?: number }) {
  const t = useT()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div role="status" aria-label={t('states.loading')} data-loading>
      <div aria-hidden style={{ visibility: shown ? 'visible' : 'hidden' }}>
        {children ?? (
          <Stack gap="sm">
            {Array.from({ length: lines }, (_, i) => <Skeleton key={i} h={18} w={`${92 - ((i * 17) % 40)}%`} />)}
          </Stack>
        )}
      </div>
    </div>
  )
}

/** No such page, or none of the person's; `back` is where such are listed. */
export function Missing({ back }: { back?: { to: string; label: string } }) {
  const t = useT()
  return (
    <EmptyState level={1} icon={Compass} title={t('errors.missing.title')} text={t('errors.missing.cause')}
      action={<Anchor component={Link} to={back?.to ?? '/'}>{back?.label ?? t('errors.missing.home')}</Anchor>} />
  )
}
