import { Button, Group, Paper, Progress, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import {
  Building2, CircleCheck, CircleOff, CirclePause, CircleX, Gauge, Hourglass, Pause, Play, Plus, TriangleAlert, UserPlus,
} from 'lucide-react'
import { useState } from 'react'
import { Sparkline } from '../../charts/Sparkline'
import { confirm } from '../../components/confirm'
import { CopyLine } from '../../components/CopyLine'
import { DataTable, type Column } from '../../components/DataTable'
import { ListFilters } from '../../components/ListFilters'
import { Money } from '../../components/Money'
import { Page } from '../../components/Page'
import { SearchInput } from '../../components/SearchInput'
import { SelectRows } from '../../components/SelectRows'
import { EmptyState } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { useSaid } from '../../lib/said'
import { useHere } from '../../lib/session'
import { holds, wordsOf } from '../../lib/words'
import { BulkInvite, BulkLimit } from './BulkDialogs'
import { agencyQuery, type Bulk, type BulkAnswer, type Client } from './data'
import { agencyRoute } from './routes'
import { isIn, stateOf, states, type AgencySearch } from './search'

/** All organizations of a person, a row each, those that need somebody first. */
export function AgencyPage() {
  const t = useT()
  const narrow = useNarrow()
  const { q = '', state, sort } = agencyRoute.useSearch()
  const navigate = agencyRoute.useNavigate()
  const [selecting, setSelecting] = useState(false)
  const { places } = useHere()
  const several = places.filter((p) => p.role === 'owner' || p.role === 'admin').length > 1
  const list = useQuery({ ...agencyQuery, enabled: several })
  const shown = (list.data ?? []).filter((c) => holds(wordsOf(q), [c.name]) && isIn(state, c))
  const filter = (change: Partial<AgencySearch>) =>
    void navigate({
      replace: true,
      search: Object.fromEntries(Object.entries({ q, state, sort, ...change }).filter(([, value]) => value)),
    })
  const columns: Column<Client>[] = [
    {
      id: 'name',
      header: t('agency.client'),
      primary: true,
      sort: 'rising',
      value: (row) => row.name.toLocaleLowerCase(),
      cell: (row) => row.name,
    },
    { id: 'status', header: t('team.status'), cell: (row) => <ClientStatus client={row} /> },
    {
      id: 'calls',
      header: t('agency.calls'),
      sort: 'falling',
      value: (row) => row.calls_7d,
      cell: (row) => (
        <Group gap="xs" wrap="nowrap">
          <Text span size="sm" className="pl-tabular" miw={28}>
            {number(row.calls_7d)}
          </Text>
          <Sparkline values={row.days} label={t('agency.daysOf', { name: row.name })} />
        </Group>
      ),
    },
    {
      id: 'answered',
      header: t('agency.answered'),
      sort: 'rising',
      value: (row) => (row.calls_7d > 0 ? (row.answered_percent ?? 101) : 101),
      align: 'end',
      cell: (row) => (
        <Text span size="sm" className="pl-tabular">
          {row.answered_percent === null || row.calls_7d === 0 ? '–' : share(row)}
        </Text>
      ),
    },
    {
      id: 'open',
      header: t('agency.open'),
      sort: 'falling',
      value: (row) => row.open_items,
      align: 'end',
      cell: (row) => (
        <Text span size="sm" className="pl-tabular" fw={row.open_items > 0 ? 600 : 400}>
          {number(row.open_items)}
        </Text>
      ),
    },
    {
      id: 'minutes',
      header: t('agency.minutes'),
      sort: 'falling',
      value: (row) => (row.minutes_limit > 0 ? row.minutes_used / row.minutes_limit : 0),
      cell: (row) => <Minutes client={row} />,
    },
    {
      id: 'balance',
      header: t('agency.balance'),
      sort: 'rising',
      value: (row) => row.balance_minor,
      align: 'end',
      cell: (row) => <Money minor={row.balance_minor} currency={row.currency || 'USD'} />,
    },
    {
      id: 'incident',
      header: t('agency.incident'),
      sort: 'falling',
      value: (row) => row.last_incident?.at ?? '',
      cell: (row) => <Incident client={row} />,
    },
  ]
  const create = (
    <Button component={Link} to="/new" leftSection={<Plus size={16} aria-hidden />}>
      {t('agency.new.title')}
    </Button>
  )
  if (!several) {
    return (
      <Page title={t('agency.title')} description={t('agency.text')}>
        <Paper withBorder>
          <EmptyState icon={Building2} title={t('agency.empty.title')} text={t('agency.empty.text')} action={create} />
        </Paper>
      </Page>
    )
  }
  return (
    <Page title={t('agency.title')} description={narrow ? undefined : t('agency.text')} actions={create}>
      <ListFilters
        label={t('agency.search')}
        active={[state, narrow && sort].filter(Boolean).length}
        onClear={() => filter({ state: undefined, sort: undefined })}
        search={<SearchInput label={t('agency.search')} value={q} onSearch={(text) => filter({ q: text })} />}
        beside={narrow && <SelectRows on={selecting} onChange={setSelecting} />}
      >
        <Select
          aria-label={t('team.filterStatus')}
          placeholder={t('team.anyStatus')}
          clearable
          clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
          w={{ base: '100%', sm: 190 }}
          value={state ?? null}
          data={states.map((value) => ({ value, label: t(`agency.states.${value}`) }))}
          onChange={(value) => filter({ state: states.find((one) => one === value) })}
        />
        {/* On a wide screen the heads of the columns order. */}
        {narrow && (
          <Select
            label={t('agency.order')}
            placeholder={t('agency.states.attention')}
            clearable
            clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
            value={sort ?? null}
            data={columns.flatMap((c) => (c.sort ? [{ value: `${c.sort === 'falling' ? '-' : ''}${c.id}`, label: c.header }] : []))}
            onChange={(value) => filter({ sort: value ?? undefined })}
          />
        )}
      </ListFilters>
      <DataTable
        label={t('agency.title')}
        columns={columns}
        card={(row) => ({
          name: row.name,
          text: [
            t('agency.callsOf', { count: row.calls_7d }),
            row.calls_7d > 0 && row.answered_percent !== null && t('agency.answeredOf', { share: share(row) }),
            row.open_items > 0 && t('agency.openOf', { count: row.open_items }),
          ].filter(Boolean).join(' · '),
          whole: true,
          badges: <ClientStatus client={row} worst />,
          figure: row.minutes_limit > 0 && t('agency.minutesShort', {
            used: number(row.minutes_used), limit: number(row.minutes_limit),
          }),
        })}
        href={(row) => `/o/${row.id}`}
        order={sort ? { by: sort.replace('-', ''), descending: sort.startsWith('-') } : undefined}
        onOrder={(order) => filter({ sort: order && `${order.descending ? '-' : ''}${order.by}` })}
        bulk={{
          nameOf: (row) => row.name,
          selecting,
          actions: (clients, done) => <BulkActions clients={clients} onDone={done} />,
        }}
        filtered={q !== '' || state !== undefined}
        onClearFilters={() => filter({ q: '', state: undefined })}
        rows={{
          data: list.data && { pages: [{ items: shown }] },
          error: list.error,
          isPending: list.isPending,
          hasNextPage: false,
          isFetchingNextPage: false,
          fetchNextPage: () => undefined,
          refetch: () => void list.refetch(),
        }}
        empty={
          <EmptyState icon={Building2} title={t('agency.empty.title')} text={t('agency.empty.text')} action={create} />
        }
      />
    </Page>
  )
}

const share = ({ answered_percent }: Client) =>
  number((answered_percent ?? 0) / 100, { style: 'percent', maximumFractionDigits: 0 })

const looks = {
  active: { icon: CircleCheck, tone: 'good' },
  paused: { icon: CirclePause, tone: 'warn' },
  suspended: { icon: CircleOff, tone: 'bad' },
  closed: { icon: Hourglass, tone: 'bad' },
} as const

/** How a client stands and what it needs; `worst` is for one line: what is worst alone. */
function ClientStatus({ client, worst = false }: { client: Client; worst?: boolean }) {
  const t = useT()
  const state = stateOf(client)
  const stands = <StatusBadge {...looks[state]} label={t(`agency.states.${state}`)} />
  const needs = client.attention
    .filter((reason) => reason !== 'closed' && reason !== 'suspended' && reason !== 'paused')
    .map((reason) => (
      <StatusBadge key={reason} icon={TriangleAlert} tone="warn" label={t(`agency.reasons.${reason}`)} />
    ))
  if (worst) return state === 'active' && needs[0] ? needs[0] : stands
  return <Stack gap={4} align="flex-start">{stands}{needs}</Stack>
}

function Minutes({ client: { minutes_used, minutes_limit, name } }: { client: Client }) {
  const t = useT()
  if (minutes_limit <= 0) return <Text span size="sm" className="pl-tabular">{number(minutes_used)}</Text>
  const share = (minutes_used / minutes_limit) * 100
  return (
    <Stack gap={4} miw={96}>
      <Text span size="sm" className="pl-tabular">
        {t('settings.limits.of', { used: number(minutes_used), limit: number(minutes_limit) })}
      </Text>
      <Progress
        size="sm"
        value={Math.min(100, share)}
        color={share >= 100 ? 'red' : share >= 80 ? 'yellow' : 'teal'}
        aria-label={t('agency.minutesOf', { name })}
      />
    </Stack>
  )
}

// Outcomes of calls that failed, by whose fault it was.
const incidents = [
  'failed_desk',
  'failed_account',
  'failed_setup',
  'failed_telephony',
  'failed_provider',
  'failed_vapi',
] as const

function Incident({ client: { last_incident: incident } }: { client: Client }) {
  const t = useT()
  if (!incident) return <Text span size="sm" c="dimmed">–</Text>
  const what = incidents.find((known) => known === incident.what)
  return (
    <Stack gap={0}>
      <Text span size="sm">
        <When value={incident.at} />
      </Text>
      {what && (
        <Text size="xs" c="dimmed" className="pl-wrap">
          {t(`agency.incidents.${what}`)}
        </Text>
      )}
    </Stack>
  )
}

function BulkActions({ clients, onDone }: { clients: readonly Client[]; onDone: () => void }) {
  const t = useT()
  const narrow = useNarrow()
  const say = useSaid()
  const queries = useQueryClient()
  const [dialog, setDialog] = useState<'limit' | 'invite'>()
  const [refused, setRefused] = useState<{ name: string; why: string }[]>([])
  const [links, setLinks] = useState<{ name: string; link: string }[]>([])
  const act = useMutation({
    mutationFn: (bulk: Bulk) =>
      api.post<BulkAnswer>('/api/agency/bulk', { organizations: clients.map((c) => c.id), ...bulk }),
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: ['me'] })
      const nameOf = (id: string) => clients.find((c) => c.id === id)?.name ?? id
      const bad = answer.results.filter((r) => !r.ok)
      setRefused(bad.map((r) => ({ name: nameOf(r.organization), why: say(r.error ?? '') })))
      const unsent = answer.results.filter((r) => r.ok && r.emailSent === false && r.inviteLink)
      setLinks(unsent.map((r) => ({ name: nameOf(r.organization), link: r.inviteLink! })))
      setDialog(undefined)
      if (bad.length < clients.length) saved(t('agency.done', { count: clients.length - bad.length }))
      if (bad.length === 0 && unsent.length === 0) onDone()
    },
    onError: (error) => failed(problem(error, t)),
  })
  const pause = async () => {
    if (
      await confirm({
        title: t('agency.pauseTitle', { count: clients.length }),
        body: t('agency.pauseText'),
        action: t('agency.pause'),
        danger: true,
      })
    )
      act.mutate({ action: 'pause' })
  }
  return (
    <Stack gap="xs">
        <Group gap="xs" wrap={narrow ? 'nowrap' : 'wrap'}>
          <Button
            size="xs"
            variant="default"
            leftSection={<Pause size={14} aria-hidden />}
            loading={act.isPending}
            onClick={() => void pause()}
          >
            {t('agency.pause')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<Play size={14} aria-hidden />}
            loading={act.isPending}
            onClick={() => act.mutate({ action: 'resume' })}
          >
            {t('agency.resume')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<Gauge size={14} aria-hidden />}
            onClick={() => setDialog('limit')}
          >
            {t('agency.limit')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<UserPlus size={14} aria-hidden />}
            onClick={() => setDialog('invite')}
          >
            {t('agency.invite')}
          </Button>
        </Group>
      {refused.length > 0 && (
        <Stack gap={4} role="alert">
          {refused.map((r) => (
            <Group key={r.name} gap={6} wrap="nowrap" align="flex-start">
              <CircleX size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
              <Text size="sm" className="pl-wrap">
                {t('agency.refused', r)}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
      {links.length > 0 && (
        <Stack gap="xs" role="status">
          <Text size="sm">{t('team.invite.noMail')} {t('team.invite.handOver')}</Text>
          {links.map(({ name, link }) => <CopyLine key={name} label={name} value={link} />)}
        </Stack>
      )}
      {dialog === 'limit' && (
        <BulkLimit busy={act.isPending} onSend={act.mutate} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'invite' && (
        <BulkInvite busy={act.isPending} onSend={act.mutate} onClose={() => setDialog(undefined)} />
      )}
    </Stack>
  )
}
