import { ActionIcon, Group, Menu, Paper, Skeleton, Stack, Tabs, Text, Tooltip } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ChevronLeft, ChevronRight, Ellipsis, Trash2 } from 'lucide-react'
import { Suspense, useState } from 'react'
import { confirm } from '../../components/confirm'
import { Page } from '../../components/Page'
import { ErrorState, Forbidden, Missing, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { TabBar } from '../../components/TabBar'
import { When } from '../../components/When'
import { problem } from '../../lib/errors'
import { duration, parseDate } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { useShortcut } from '../../lib/shortcuts'
import classes from './Call.module.css'
import { CallFacts } from './CallFacts'
import { Conversation } from './Conversation'
import {
  callQuery, callsKey, eventsQuery, isLive, otherEnd, someCallsQuery, type CallDetail, type CallItem,
} from './data'
import { PlaceCall } from './dialogs'
import { EndReason } from './EndReason'
import { toQuery } from './filters'
import { LiveActions } from './LiveActions'
import { RunningClock } from './LivePage'
import { Timeline } from './Timeline'
import { ToDo } from './ToDo'
import { SaveName } from './SaveName'
import { trailOf } from './trail'
import { useCallBack } from './useCallBack'
import { aboutOf, CallBadge, TestBadge, whoOf } from './words'

/** One call: what it was about, what was said, what it cost, and what people noted. */
export function CallPage() {
  const t = useT()
  const org = useOrg()
  const { id } = useParams({ strict: false }) as { id: string }
  const { can } = useHere()
  const call = useQuery({ ...callQuery(org, id), enabled: can('calls.view') })
  if (!can('calls.view')) return <Forbidden level={1} />
  if (call.isPending) return <Loading />
  if (call.data ? call.data.organization !== org : problem(call.error, t).status === 404)
    return <Missing back={{ to: areaPath(org, 'calls'), label: t('calls.back') }} />
  if (!call.data) return <ErrorState error={call.error} onRetry={() => void call.refetch()} level={1} />
  return <Detail key={id} call={call.data} />
}

function Detail({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const narrow = useNarrow()
  const [tab, setTab] = useState('conversation')
  const back = useCallBack<CallDetail>()
  const events = useQuery(eventsQuery(org, call.id))
  const item: CallItem = { ...call, contact_name: call.expand?.contact?.name ?? '' }
  const who = whoOf(item, t)
  const live = isLive(call)
  // The heading and the badge say it: the words have the room.
  const talking = live && !call.placing
  const number = otherEnd(call)
  const said = [
    <When key="when" value={call.started_at} exact />,
    call.answered_at && !live && duration(call.duration_seconds),
    item.contact_name && number && phone(number),
  ].filter(Boolean)
  const toDo = <ToDo call={call} onCallBack={() => back.start(call)} />
  return (
    <Page
      back={{ to: areaPath(org, 'calls'), search: trailOf(org), label: t('nav.calls') }}
      title={narrow ? who : titleOf(item, call.expand?.assistant?.name, t)}
      description={(
        <Group gap="0 0.375rem" component="span">
          {said.map((part, i) => <span key={i} className="pl-tabular">{part}{i < said.length - 1 && ' ·'}</span>)}
        </Group>
      )}
      actions={(
        <>
          <Neighbours call={call} />
          {!narrow && toDo}
          <More call={call} />
        </>
      )}
    >
      {narrow && <div className={classes.toDo}>{toDo}</div>}
      <div className={classes.layout}>
        <Stack gap="md" miw={0}>
          <Paper withBorder className={classes.block} component="section" aria-label={t('calls.summary')}>
            <Stack gap="sm">
              <Group gap="xs">
                <CallBadge call={call} />
                {call.is_test && <TestBadge />}
                {live && <RunningClock since={call.answered_at} />}
                {talking && <Group ms="auto"><SaveName call={item} /></Group>}
              </Group>
              {!talking && (
                <Text className="pl-wrap" style={{ whiteSpace: 'pre-wrap' }}>
                  {aboutOf(call, t)}
                </Text>
              )}
              {call.placing === 'unclear' && (
                <Text size="sm" c="dimmed">
                  {t('calls.placing.unclear.next')}
                </Text>
              )}
              {!live && <EndReason call={call} />}
              {!talking && <SaveName call={item} />}
            </Stack>
          </Paper>
          <Paper withBorder className={classes.block} component="section" aria-label={t('calls.conversation')}>
            <Tabs value={tab} onChange={(next) => next && setTab(next)} keepMounted>
              <TabBar
                label={t('calls.conversation')}
                tabs={[
                  { value: 'conversation', label: t('calls.conversation') },
                  { value: 'timeline', label: t('calls.timeline.title') },
                ]}
                value={tab}
                onChange={setTab}
              />
              <Tabs.Panel value="conversation" pt="md">
                <Conversation call={call} who={item.contact_name || t('player.caller')} events={events.data ?? []} />
              </Tabs.Panel>
              <Tabs.Panel value="timeline" pt="md">
                {events.isPending ? (
                  <SkeletonAfter200ms />
                ) : events.error && !events.data ? (
                  <ErrorState error={events.error} onRetry={() => void events.refetch()} />
                ) : (
                  <Timeline call={call} events={events.data} />
                )}
              </Tabs.Panel>
            </Tabs>
          </Paper>
        </Stack>
        <CallFacts call={call} />
      </div>
      {live && <LiveActions call={call} who={who} acts={can('calls.place')} sticky />}
      <Suspense>
        {back.calling && (
          <PlaceCall
            onClose={back.end}
            to={back.calling.to}
            name={item.contact_name}
            by={call.assistant}
            from={call.phone_number}
          />
        )}
      </Suspense>
    </Page>
  )
}

function titleOf(call: CallItem, assistant: string | undefined, t: T): string {
  const who = whoOf(call, t)
  if (call.status === 'in_progress' || call.status === 'forwarding') return t('calls.title.live', { who })
  // Nobody was called by a call that is not placed, or still rings.
  const called = !call.placing && !isLive(call) && call.status !== 'scheduled'
  if (call.call_type === 'outbound')
    return assistant && called ? t('calls.title.outboundBy', { who, assistant }) : t('calls.title.outbound', { who })
  return assistant && call.answered_at
    ? t('calls.title.inboundTo', { who, assistant })
    : t('calls.title.inbound', { who })
}

/** The call before and after this one, in the list it was opened from. */
function Neighbours({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const navigate = useNavigate()
  const { organization } = useHere()
  const { sort: _, search: _s, ...filters } = trailOf(org)
  const query = toQuery(filters, organization?.timezone)
  const started = parseDate(call.started_at)
  const at = started?.getTime() ?? 0
  const enabled = started !== undefined
  // Neighbours of an older call do not change; new calls reach the newest one's page through its own refetch.
  const { data: newer = [] } = useQuery({
    ...someCallsQuery(org, { ...query, sort: 'started_at', from: new Date(at + 1).toISOString() }, 1),
    enabled,
  })
  const { data: older = [] } = useQuery({
    ...someCallsQuery(org, { ...query, to: new Date(at).toISOString() }, 1),
    enabled,
  })
  const path = (neighbour: CallItem | undefined) => (neighbour ? areaPath(org, `calls/${neighbour.id}`) : undefined)
  const [previous, next] = [path(newer[0]), path(older[0])]
  useShortcut('k', () => previous && void navigate({ to: previous }), previous !== undefined)
  useShortcut('j', () => next && void navigate({ to: next }), next !== undefined)
  return (
    <Group gap="xs" wrap="nowrap">
      <Step to={previous} label={t('calls.newer')} icon={<ChevronLeft size={18} aria-hidden />} />
      <Step to={next} label={t('calls.older')} icon={<ChevronRight size={18} aria-hidden />} />
    </Group>
  )
}

function Step({ to, label, icon }: { to: string | undefined; label: string; icon: React.ReactNode }) {
  if (!to)
    return (
      <ActionIcon variant="default" size={36} aria-label={label} disabled>
        {icon}
      </ActionIcon>
    )
  return (
    <Tooltip label={label}>
      <ActionIcon component={Link} to={to} variant="default" size={36} aria-label={label}>
        {icon}
      </ActionIcon>
    </Tooltip>
  )
}

/** What is done rarely. Only owners and admins may delete a call. */
function More({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const { place } = useHere()
  const remove = useMutation({
    mutationFn: () => pb.collection('calls').delete(call.id),
    onSuccess: async () => {
      saved(t('calls.delete.done'))
      await navigate({ to: areaPath(org, 'calls') })
      queries.removeQueries({ queryKey: [org, 'calls', call.id] })
      void queries.invalidateQueries({ queryKey: [org, 'calls'] })
      void queries.invalidateQueries({ queryKey: callsKey(org) })
    },
    onError: (error) => failed(problem(error, t)),
  })
  if (place?.role !== 'owner' && place?.role !== 'admin') return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={36} loading={remove.isPending} aria-label={t('calls.more')}>
          <Ellipsis size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          color="red"
          leftSection={<Trash2 size={16} aria-hidden />}
          onClick={async () => {
            if (
              await confirm({
                title: t('calls.delete.title'),
                body: t('calls.delete.text'),
                action: t('calls.delete.action'),
                danger: true,
              })
            )
              remove.mutate()
          }}
        >
          {t('calls.delete.action')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function Loading() {
  return (
    <SkeletonAfter200ms>
      <Stack gap="lg">
        <Skeleton h={32} w="60%" />
        <div className={classes.layout}>
          <Stack gap="md"><Skeleton h={140} /><Skeleton h={420} /></Stack>
          <Stack gap="md"><Skeleton h={240} /><Skeleton h={200} /></Stack>
        </div>
      </Stack>
    </SkeletonAfter200ms>
  )
}
