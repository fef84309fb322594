import { Anchor, Box, Group, Skeleton, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { PhoneCall } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Page } from '../../components/Page'
import { EmptyState, ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { clock, parseDate } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { serverNow } from '../../lib/serverTime'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { assistantsQuery, someCallsQuery, type CallItem } from './data'
import classes from './Live.module.css'
import { lineTime } from './conversation'
import { LiveActions } from './LiveActions'
import { SpeakingNow } from './SpeakingNow'
import { useLines } from './useLines'
import { CallBadge, TestBadge, whoOf } from './words'

// Each card hears its own call; more at once nobody can follow.
const MOST = 24
const LAST_LINES = 4

/** The calls that run now, each with its last words. */
export function LivePage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const calls = useQuery({ ...someCallsQuery(org, { status: 'live' }, MOST), enabled: can('calls.view') })
  // One that waits, or of which it is not known whether it rings, does not run.
  const running = calls.data?.filter((call) => !call.placing) ?? []
  const { data: assistants = [] } = useQuery(assistantsQuery(org))
  if (!can('calls.view')) return <Forbidden level={1} />
  return (
    <Page
      title={t('calls.live.title')}
      back={{ to: areaPath(org, 'calls'), label: t('nav.calls') }}
    >
      {calls.isPending ? (
        <SkeletonAfter200ms>
          <div className={classes.grid}>
            {[0, 1].map((i) => (
              <Skeleton key={i} h={260} />
            ))}
          </div>
        </SkeletonAfter200ms>
      ) : calls.error && !calls.data ? (
        <ErrorState error={calls.error} onRetry={() => void calls.refetch()} />
      ) : running.length === 0 ? (
        <EmptyState
          icon={PhoneCall}
          title={t('calls.live.empty')}
          text={t('calls.live.emptyText')}
          action={
            <Anchor component={Link} to={areaPath(org, 'calls')} size="sm">
              {t('calls.back')}
            </Anchor>
          }
        />
      ) : (
        <div className={classes.grid}>
          {running.map((call) => (
            <LiveCard key={call.id} call={call} assistant={assistants.find((a) => a.id === call.assistant)?.name} />
          ))}
        </div>
      )}
    </Page>
  )
}

function LiveCard({ call, assistant }: { call: CallItem; assistant?: string }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const { lines, speaking } = useLines(org, call)
  const who = whoOf(call, t)
  const answered = parseDate(call.answered_at)?.getTime()
  return (
    <article className={classes.card} aria-label={who}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Box miw={0}>
          <Anchor component={Link} to={areaPath(org, `calls/${call.id}`)} fw={600} className="pl-wrap">{who}</Anchor>
          {assistant && <Text size="xs" c="dimmed">{t('calls.with', { assistant })}</Text>}
        </Box>
        <Group gap={6} wrap="nowrap">
          {call.is_test && <TestBadge />}
          <CallBadge call={call} />
          <RunningClock since={call.answered_at} />
        </Group>
      </Group>
      <ul className={classes.lines} aria-live="polite" aria-label={t('calls.live.last')}>
        {lines.length === 0 && <li><Text size="sm" c="dimmed">{t('calls.live.quiet')}</Text></li>}
        {lines.slice(-LAST_LINES).map((line) => (
          <li key={`${line.position}:${line.role}`} data-role={line.role}>
            <b>
              {line.role === 'user'
                ? t('player.caller')
                : line.role === 'assistant'
                  ? (assistant ?? t('player.assistant'))
                  : t('calls.systemLine')}
            </b>
            {line.content}
            {answered !== undefined && <time className="pl-tabular">{clock(lineTime(line, answered, false) / 1000)}</time>}
          </li>
        ))}
      </ul>
      <div className={classes.now}>
        <SpeakingNow role={speaking} who={t('player.caller')} assistant={assistant ?? t('player.assistant')} />
      </div>
      <LiveActions call={call} who={who} acts={can('calls.place')} />
    </article>
  )
}

/** How long the call has been going on. */
export function RunningClock({ since }: { since: string }) {
  const [now, setNow] = useState(() => serverNow())
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000)
    return () => clearInterval(timer)
  }, [])
  const start = parseDate(since)
  if (!start) return null
  return <Text span size="sm" className="pl-tabular" role="timer">{clock((now - start.getTime()) / 1000)}</Text>
}
