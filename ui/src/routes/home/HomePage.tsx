import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowRight, ArrowUp, CircleCheck, CirclePlay, FlaskConical, PhoneCall, TriangleAlert } from 'lucide-react'
import { Suspense, lazy, useDeferredValue, useEffect, useState } from 'react'
import { StackedBars } from '../../charts/StackedBars'
import { Page } from '../../components/Page'
import { EmptyState, ErrorState, SkeletonAfter200ms } from '../../components/States'
import { failed } from '../../components/toast'
import { deskQuery, operatorQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { dateTime, number, zoneName } from '../../lib/format'
import { useT, withWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { Action } from '../../lib/permissions'
import { keys, recall, remember } from '../../lib/prefs'
import { useOptions } from '../../lib/record'
import { areaPath, useHere, useMe, useOrg } from '../../lib/session'
import { useAreas } from '../../shell/areas'
import { Simulate } from '../calls/dialogs'
import type { CallFilters } from '../calls/filters'
import { choiceFields, type AssistantChoice } from '../numbers/data'
import { homeQuery, lastCallsQuery, type HomeAnswer, type Reason } from './data'
import classes from './Home.module.css'
import { Sentence } from './Sentence'
import { isUnderWay, nextStep } from './steps'
import { WorkList } from './WorkList'

const FirstSteps = lazy(async () => ({ default: (await withWords('build', () => import('./FirstSteps'))()).FirstSteps }))
const Lines = lazy(async () => ({ default: (await withWords('build', () => import('./Lines'))()).Lines }))

// Fewer calls make no week.
const FEW = 5

/** What there is to do, whether the phone is answered and by whom, and how the week is going. */
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
  const leads = can('assistants.manage') && can('numbers.manage')
    && figures && calls && !isUnderWay(figures.lines, calls.length > 0)
  const choices = useOptions<AssistantChoice>(org, 'assistants', choiceFields, 'name', leads)
  const assistants = useDeferredValue(choices.data)
  const step = leads && assistants
    ? nextStep({ assistants: assistants.length, lines: figures.lines, called: calls.length > 0 })
    : undefined
  const simulate = desk?.sandbox && can('calls.place') && !step
    ? <Button variant="default" leftSection={<FlaskConical size={16} aria-hidden />} onClick={() => setSimulating(true)}>{t('calls.simulate.action')}</Button>
    : undefined
  const quiet = figures && figures.week.calls + figures.before.calls < FEW
  return (
    <Page title={organization?.name ?? t('nav.home')} description={t('home.description')} actions={simulate}>
      {!hears ? <Paper withBorder p="lg"><Text size="sm" c="dimmed">{t('home.noCalls')}</Text></Paper>
        : home.error && !home.data ? <ErrorState error={home.error} onRetry={() => void home.refetch()} />
          : !figures || !calls && !last.error || leads && !assistants && !choices.error ? <Loading />
            : (
              <>
                {/* What the steps lead to is not said twice. */}
                {(!step || !told(figures.answering.reason)) && <Answering answering={figures.answering} live={figures.live} lines={figures.lines} />}
                {step && <Suspense fallback={<SkeletonAfter200ms><Skeleton h={360} /></SkeletonAfter200ms>}><FirstSteps now={step} assistants={assistants!} lines={figures.lines} /></Suspense>}
                <WorkList kind="callbacks" work={figures.callbacks} />
                <WorkList kind="open" work={figures.open} />
                {!step && figures.lines.length > 0 && <Suspense fallback={<SkeletonAfter200ms><Skeleton h={120} /></SkeletonAfter200ms>}><Lines lines={figures.lines} /></Suspense>}
                {!quiet && <Week {...figures} zone={organization?.timezone} />}
                {(calls?.length !== 0 || !step) && (
                  <Paper withBorder className={classes.block} component="section">
                    <Group justify="space-between" mb="xs">
                      <Title order={2} size="h3">{t('home.last')}</Title>
                      <Anchor component={Link} to={areaPath(org, 'calls')} size="sm">{t('home.all')}</Anchor>
                    </Group>
                    {!calls ? <ErrorState error={last.error} onRetry={() => void last.refetch()} />
                      : calls.length === 0 ? <EmptyState icon={PhoneCall} title={t('calls.empty.title')} text={t('calls.empty.text')} action={simulate} />
                        : <ul className={classes.calls}>{calls.map((call) => <Sentence key={call.id} call={call} />)}</ul>}
                  </Paper>
                )}
              </>
            )}
      <Suspense>{simulating && <Simulate onClose={() => setSimulating(false)} />}</Suspense>
    </Page>
  )
}

/** Reports whether the first steps say what keeps the phone from being answered. */
const told = (reason: Reason | '') => reason === 'no_number' || reason === 'no_assistant' || reason === 'not_synced'

// Where each reason is mended, and by whom; of the server itself by its operator alone. A balance and a closed organization may not have their pages in this version.
const numbers = { area: 'numbers', needs: 'numbers.manage' } as const
const server = { area: 'settings/installation', needs: 'home.view' } as const
const fixes: Record<Reason, { area: string; needs: Action }> = {
  held: server, no_key: server, no_address: server,
  no_number: { area: 'numbers/new', needs: 'numbers.manage' }, no_assistant: numbers, number_off: numbers, not_synced: numbers,
  assistant_off: { area: 'assistants', needs: 'assistants.manage' },
  closed: { area: 'settings', needs: 'settings.manage' }, balance: { area: 'billing', needs: 'billing.manage' },
}

function Answering({ answering: { ok, reason, number: id }, live, lines }: {
  answering: HomeAnswer['answering']
  live: number
  lines: HomeAnswer['lines']
}) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const areas = useAreas()
  const { can } = useHere()
  const { data: desk } = useQuery(operatorQuery(useMe()?.id ?? ''))
  const fix = reason ? fixes[reason] : undefined
  const shown = fix === server ? desk?.operator : fix && can(fix.needs) && areas.some((a) => a.path === fix.area.split('/')[0])
  const path = fix && shown && (fix.area === 'numbers' && id ? `numbers/${id}` : fix.area)
  const well = ok && !reason
  const Icon = well ? CircleCheck : TriangleAlert
  const line = lines.find((one) => one.id === id)
  // What is one switch is switched here.
  const off = line && (reason === 'number_off' ? { collection: 'phone_numbers', id: line.id } as const
    : reason === 'assistant_off' ? { collection: 'assistants', id: line.assistant } as const : undefined)
  const on = useMutation({
    mutationFn: () => pb.collection(off!.collection).update(off!.id, { status: 'active' }, { fields: 'id' }),
    onError: (error) => failed(problem(error, t)),
    onSettled: () => Promise.all(['calls', 'phone_numbers', 'assistants'].map((name) => queries.invalidateQueries({ queryKey: [org, name] }))),
  })
  return (
    <Paper withBorder className={classes.answering} data-ok={well || undefined} component="section" aria-label={t('home.status')}>
      <Icon size={26} aria-hidden />
      <div className={classes.grow}>
        <Text fw={650} component="h2" size="lg">{t(reason === 'held' ? 'home.answered.held' : ok ? 'home.answered.yes' : 'home.answered.no')}</Text>
        <Text size="sm">{well ? t('home.answered.text') : t(`home.reason.${reason || 'no_number'}`)}</Text>
      </div>
      {path && (off
        ? <Button loading={on.isPending} leftSection={<CirclePlay size={16} aria-hidden />} onClick={() => on.mutate()}>{t(`home.fix.${reason as Reason}`)}</Button>
        : <Button component={Link} to={areaPath(org, path)} rightSection={<ArrowRight size={16} aria-hidden />}>{t(`home.fix.${reason as Reason}`)}</Button>)}
      {live > 0 && <Button component={Link} to={areaPath(org, 'calls/live')} variant="default" leftSection={<span className={classes.pulse} aria-hidden />}>{t('shell.live', { count: live })}</Button>}
    </Paper>
  )
}

// A day is a date, not an instant: noon UTC is the same date in UTC.
const dayName = (day: string, options: Intl.DateTimeFormatOptions) => dateTime(new Date(`${day}T12:00:00Z`), 'UTC', options)

function Week({ week, before, days, zone }: HomeAnswer & { zone: string | undefined }) {
  const t = useT()
  const than = (now: number, then: number) => (before.calls > 0 ? now - then : undefined)
  return (
    <div className={classes.week}>
      <div className={classes.tiles}>
        <Tile
          label={t('home.week.answered')} reached="answered" days={days} value={number(week.answered)} change={than(week.answered, before.answered)} good="up"
          note={week.failed > 0 ? t('home.week.failed', { count: week.failed }) : undefined}
        />
        <Tile label={t('home.week.missed')} reached="missed" days={days} value={number(week.missed)} change={than(week.missed, before.missed)} good="down" />
        <Tile label={t('home.week.minutes')} value={number(minutes(week.seconds))} change={than(minutes(week.seconds), minutes(before.seconds))} />
      </div>
      <Paper withBorder className={classes.block} component="section">
        <StackedBars
          caption={t('home.week.chart')} actions={<Text size="xs" c="dimmed">{zone ? t('home.week.zone', { zone: zoneName(zone) }) : ''}</Text>}
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

// As the meter counts them: what was begun is counted.
const minutes = (seconds: number) => Math.ceil(seconds / 60)

/** A figure of the last seven days and how it differs from the seven before. */
function Tile({ label, value, change, good, note, reached, days = [] }: {
  label: string
  value: string
  /** None when there is nothing before to compare with. */
  change: number | undefined
  good?: 'up' | 'down'
  note?: string
  /** The list that the figure counts, of the calls of these days. */
  reached?: NonNullable<CallFilters['reached']>
  days?: HomeAnswer['days']
}) {
  const t = useT()
  const org = useOrg()
  const search: CallFilters = { reached, from: days[0]?.day, to: days.at(-1)?.day }
  const Icon = change && change > 0 ? ArrowUp : ArrowDown
  const better = good && change ? (change > 0) === (good === 'up') : undefined
  return (
    <Paper withBorder className={classes.tile}>
      {reached
        ? <Anchor component={Link} to={areaPath(org, 'calls')} search={search as never} size="sm">{label}</Anchor>
        : <Text size="sm" c="dimmed">{label}</Text>}
      <Text className={`${classes.figure} pl-tabular`}>{value}</Text>
      {change !== undefined && (
        <Text size="xs" className={classes.change} data-better={better}>
          {change !== 0 && <Icon size={13} aria-hidden />}
          {change === 0 ? t('home.week.same') : t(change > 0 ? 'home.week.up' : 'home.week.down', { count: Math.abs(change) })}
        </Text>
      )}
      {note && <Text size="xs" c="dimmed">{note}</Text>}
    </Paper>
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
