import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowRight, ArrowUp, CircleCheck, FlaskConical, PhoneCall, TriangleAlert } from 'lucide-react'
import { Suspense, lazy, useDeferredValue, useEffect, useState } from 'react'
import { StackedBars } from '../../charts/StackedBars'
import { Page } from '../../components/Page'
import { EmptyState, ErrorState, SkeletonAfter200ms } from '../../components/States'
import { When } from '../../components/When'
import { deskQuery } from '../../lib/desk'
import { dateTime, number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import type { Action } from '../../lib/permissions'
import { keys, recall, remember } from '../../lib/prefs'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { useAreas } from '../../shell/areas'
import type { CallItem } from '../calls/data'
import { aboutOf, CallBadge, TestBadge, whoOf } from '../calls/words'
import { homeQuery, lastCallsQuery, type HomeAnswer, type Reason } from './data'
import classes from './Home.module.css'

const Simulate = lazy(() => import('../calls/Simulate').then((m) => ({ default: m.Simulate })))

/** Is my phone answered, who called, and how the week is going. */
export function HomePage() {
  const t = useT()
  const org = useOrg()
  const { organization, can } = useHere()
  const { data: desk } = useQuery(deskQuery)
  const [simulating, setSimulating] = useState(false)
  const hears = can('calls.view')
  useEffect(() => {
    if (!hears) remember(keys.unheard, org)
    else if (recall(keys.unheard) === org) remember(keys.unheard, '')
  }, [hears, org])
  const home = useQuery({ ...homeQuery(org), enabled: hears })
  const last = useQuery({ ...lastCallsQuery(org), enabled: hears })
  // Drawn in small steps when they arrive: the page answers to clicks meanwhile.
  const figures = useDeferredValue(home.data)
  const calls = useDeferredValue(last.data)
  const simulate = desk?.sandbox && can('calls.place')
    ? <Button variant="default" leftSection={<FlaskConical size={16} aria-hidden />} onClick={() => setSimulating(true)}>{t('calls.simulate.action')}</Button>
    : undefined
  return (
    <Page title={organization?.name ?? t('nav.home')} description={t('home.description')} actions={simulate}>
      {!hears ? <Paper withBorder p="lg"><Text size="sm" c="dimmed">{t('home.noCalls')}</Text></Paper>
        : home.error && !home.data ? <ErrorState error={home.error} onRetry={() => void home.refetch()} />
          : !figures ? <Loading />
            : (
              <>
                <Answering answering={figures.answering} live={figures.live} />
                <Week {...figures} zone={organization?.timezone} />
                <Paper withBorder className={classes.block} component="section">
                  <Group justify="space-between" mb="xs">
                    <Title order={2} size="h3">{t('home.last')}</Title>
                    <Anchor component={Link} to={areaPath(org, 'calls')} size="sm">{t('home.all')}</Anchor>
                  </Group>
                  {last.error && !last.data ? <ErrorState error={last.error} onRetry={() => void last.refetch()} />
                    : !calls ? <SkeletonAfter200ms><Skeleton h={320} /></SkeletonAfter200ms>
                      : calls.length === 0 ? <EmptyState icon={PhoneCall} title={t('calls.empty.title')} text={t('calls.empty.text')} action={simulate} />
                        : <ul className={classes.calls}>{calls.map((call) => <Sentence key={call.id} call={call} />)}</ul>}
                </Paper>
              </>
            )}
      <Suspense>{simulating && <Simulate onClose={() => setSimulating(false)} />}</Suspense>
    </Page>
  )
}

// Where each reason is mended, and by whom. A balance and a closed organization may not have their pages in this version.
const numbers = { area: 'numbers', needs: 'numbers.manage' } as const
const fixes: Record<Reason, { area: string; needs: Action }> = {
  no_number: numbers, no_assistant: numbers, number_off: numbers, not_synced: numbers, assistant_off: { area: 'assistants', needs: 'assistants.manage' },
  closed: { area: 'settings', needs: 'settings.manage' }, balance: { area: 'billing', needs: 'billing.manage' },
}

function Answering({ answering: { ok, reason, number: id }, live }: { answering: HomeAnswer['answering']; live: number }) {
  const t = useT()
  const org = useOrg()
  const areas = useAreas()
  const { can } = useHere()
  const fix = reason ? fixes[reason] : undefined
  const area = fix && can(fix.needs) ? areas.find((a) => a.path === fix.area) : undefined
  const path = area && (area.path === 'numbers' && id ? `numbers/${id}` : area.path)
  const Icon = ok ? CircleCheck : TriangleAlert
  return (
    <Paper withBorder className={classes.answering} data-ok={ok || undefined} component="section" aria-label={t('home.status')}>
      <Icon size={26} aria-hidden />
      <div className={classes.grow}>
        <Text fw={650} component="h2" size="lg">{t(ok ? 'home.answered.yes' : 'home.answered.no')}</Text>
        <Text size="sm">{ok ? t('home.answered.text') : t(`home.reason.${reason || 'no_number'}`)}</Text>
      </div>
      {path && <Button component={Link} to={areaPath(org, path)} rightSection={<ArrowRight size={16} aria-hidden />}>{t(`home.fix.${reason as Reason}`)}</Button>}
      {live > 0 && <Button component={Link} to={areaPath(org, 'calls/live')} variant="default" leftSection={<span className={classes.pulse} aria-hidden />}>{t('shell.live', { count: live })}</Button>}
    </Paper>
  )
}

// A day is a date, not an instant: noon UTC is the same date in UTC.
const dayName = (day: string, options: Intl.DateTimeFormatOptions) => dateTime(new Date(`${day}T12:00:00Z`), 'UTC', options)

function Week({ week, before, days, zone }: HomeAnswer & { zone: string | undefined }) {
  const t = useT()
  return (
    <div className={classes.week}>
      <div className={classes.tiles}>
        <Tile label={t('home.week.answered')} value={number(week.answered)} change={week.answered - before.answered} good="up" />
        <Tile label={t('home.week.missed')} value={number(week.missed)} change={week.missed - before.missed} good="down" />
        <Tile label={t('home.week.minutes')} value={number(minutes(week.seconds))} change={minutes(week.seconds) - minutes(before.seconds)} />
      </div>
      <Paper withBorder className={classes.block} component="section">
        <StackedBars
          caption={t('home.week.chart')} actions={<Text size="xs" c="dimmed">{zone ? t('home.week.zone', { zone }) : ''}</Text>}
          series={[
            { id: 'answered', label: t('home.week.answered'), color: 'var(--pl-chart-answered)' },
            { id: 'missed', label: t('home.week.missed'), color: 'var(--pl-chart-missed)' },
          ]}
          columns={days.map(({ day, answered, missed }) => ({ id: day, label: dayName(day, { weekday: 'short' }), name: dayName(day, { weekday: 'long', day: 'numeric', month: 'long' }), values: { answered, missed } }))}
        />
      </Paper>
    </div>
  )
}

const minutes = (seconds: number) => Math.round(seconds / 60)

/** A figure of the last seven days and how it differs from the seven before. */
function Tile({ label, value, change, good }: { label: string; value: string; change: number; good?: 'up' | 'down' }) {
  const t = useT()
  const Icon = change > 0 ? ArrowUp : ArrowDown
  const better = good && change !== 0 ? (change > 0) === (good === 'up') : undefined
  return (
    <Paper withBorder className={classes.tile}>
      <Text size="sm" c="dimmed">{label}</Text>
      <Text className={`${classes.figure} pl-tabular`}>{value}</Text>
      <Text size="xs" className={classes.change} data-better={better}>
        {change !== 0 && <Icon size={13} aria-hidden />}
        {change === 0 ? t('home.week.same') : t(change > 0 ? 'home.week.up' : 'home.week.down', { count: Math.abs(change) })}
      </Text>
    </Paper>
  )
}

/** A call as a sentence: who, what about, what became of it, when. */
function Sentence({ call }: { call: CallItem }) {
  const t = useT()
  const org = useOrg()
  return (
    <li className={classes.call}>
      <div className={classes.grow}>
        <Text size="sm" className="pl-wrap">
          <Anchor component={Link} to={areaPath(org, `calls/${call.id}`)} fw={600} inherit c="inherit" className={classes.name}>{whoOf(call, t)}</Anchor>
          {' '}<Text span c="dimmed">{t(call.call_type === 'outbound' ? 'home.wasCalled' : 'home.called')}</Text>
        </Text>
        <Text size="sm" lineClamp={call.summary ? 2 : undefined} className="pl-wrap">{aboutOf(call, t)}</Text>
      </div>
      <div className={classes.side}>
        <Text size="xs" c="dimmed"><When value={call.started_at} /></Text>
        <Group gap={4} wrap="nowrap">{call.is_test && <TestBadge />}<CallBadge call={call} /></Group>
      </div>
    </li>
  )
}

function Loading() {
  return (
    <SkeletonAfter200ms>
      <Stack gap="lg">
        <Skeleton h={84} />
        <Group grow><Skeleton h={104} /><Skeleton h={104} /><Skeleton h={104} /></Group>
        <Skeleton h={280} />
        <Skeleton h={320} />
      </Stack>
    </SkeletonAfter200ms>
  )
}
