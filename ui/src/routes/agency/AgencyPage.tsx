import { Button, Checkbox, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Building2, CircleCheck, CircleOff, CirclePause, CircleX, Gauge, Hourglass, Pause, Play, Plus, TriangleAlert, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { Sparkline } from '../../charts/Sparkline'
import { confirm } from '../../components/confirm'
import { CopyLine } from '../../components/CopyLine'
import { DataTable, type Column } from '../../components/DataTable'
import { Money } from '../../components/Money'
import { Page } from '../../components/Page'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useSaid } from '../../lib/said'
import { useHere } from '../../lib/session'
import { BulkInvite, BulkLimit } from './BulkDialogs'
import { agencyQuery, type Bulk, type BulkAnswer, type Client } from './data'

/** All organizations of a person, a row each, those that need somebody first. */
export function AgencyPage() {
  const t = useT()
  const [q, setQ] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const { places } = useHere()
  const several = places.filter((p) => p.role === 'owner' || p.role === 'admin').length > 1
  const list = useQuery({ ...agencyQuery, enabled: several })
  const shown = (list.data ?? []).filter((c) => c.name.toLocaleLowerCase().includes(q.toLocaleLowerCase()))
  const picked = shown.filter((c) => chosen.has(c.id))
  const toggle = (ids: readonly string[], on: boolean) => {
    const next = new Set(chosen)
    for (const id of ids) if (on) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const columns: Column<Client>[] = [
    {
      id: 'pick', header: t('agency.pick'), width: 50,
      cell: (row) => <Checkbox aria-label={t('agency.pickOne', { name: row.name })} checked={chosen.has(row.id)} onChange={(event) => toggle([row.id], event.currentTarget.checked)} />,
    },
    { id: 'name', header: t('agency.client'), primary: true, cell: (row) => row.name },
    { id: 'status', header: t('team.status'), cell: (row) => <ClientStatus client={row} /> },
    {
      id: 'calls', header: t('agency.calls'),
      cell: (row) => <Group gap="xs" wrap="nowrap"><Text span size="sm" className="pl-tabular" miw={28}>{number(row.calls_7d)}</Text><Sparkline values={row.days} label={t('agency.daysOf', { name: row.name })} /></Group>,
    },
    { id: 'answered', header: t('agency.answered'), align: 'end', cell: (row) => <Text span size="sm" className="pl-tabular">{row.answered_percent === null || row.calls_7d === 0 ? '–' : number(row.answered_percent / 100, { style: 'percent', maximumFractionDigits: 0 })}</Text> },
    { id: 'open', header: t('agency.open'), align: 'end', cell: (row) => <Text span size="sm" className="pl-tabular" fw={row.open_items > 0 ? 600 : 400}>{number(row.open_items)}</Text> },
    { id: 'minutes', header: t('agency.minutes'), cell: (row) => <Minutes client={row} /> },
    { id: 'balance', header: t('agency.balance'), align: 'end', cell: (row) => <Money minor={row.balance_minor} currency={row.currency || 'USD'} /> },
    { id: 'incident', header: t('agency.incident'), cell: (row) => <Incident client={row} /> },
  ]
  const create = <Button component={Link} to="/new" leftSection={<Plus size={16} aria-hidden />}>{t('agency.new.title')}</Button>
  if (!several) {
    return (
      <Page title={t('agency.title')} description={t('agency.text')}>
        <Paper withBorder><EmptyState icon={Building2} title={t('agency.empty.title')} text={t('agency.empty.text')} action={create} /></Paper>
      </Page>
    )
  }
  return (
    <Page title={t('agency.title')} description={t('agency.text')} actions={create}>
      <Group gap="md">
        <SearchInput label={t('agency.search')} value={q} onSearch={setQ} />
        {shown.length > 0 && (
          <Checkbox label={t('agency.all')} checked={picked.length === shown.length} indeterminate={picked.length > 0 && picked.length < shown.length} onChange={(event) => toggle(shown.map((c) => c.id), event.currentTarget.checked)} />
        )}
      </Group>
      {picked.length > 0 && <BulkBar clients={picked} onDone={() => setChosen(new Set())} />}
      <DataTable label={t('agency.title')} columns={columns} href={(row) => `/o/${row.id}`} filtered={q !== ''} onClearFilters={() => setQ('')}
        rows={{ data: list.data && { pages: [{ items: shown }] }, error: list.error, isPending: list.isPending, hasNextPage: false, isFetchingNextPage: false, fetchNextPage: () => undefined, refetch: () => void list.refetch() }}
        empty={<EmptyState icon={Building2} title={t('agency.empty.title')} text={t('agency.empty.text')} action={create} />} />
    </Page>
  )
}

function ClientStatus({ client }: { client: Client }) {
  const t = useT()
  const badge = client.status === 'closed'
    ? <StatusBadge icon={Hourglass} tone="bad" label={t('agency.states.closed')} />
    : client.status === 'suspended'
      ? <StatusBadge icon={CircleOff} tone="bad" label={t('agency.states.suspended')} />
      : client.paused ? <StatusBadge icon={CirclePause} tone="warn" label={t('agency.states.paused')} /> : <StatusBadge icon={CircleCheck} tone="good" label={t('agency.states.active')} />
  return (
    <Stack gap={4} align="flex-start">
      {badge}
      {client.attention.filter((reason) => reason !== 'closed' && reason !== 'suspended' && reason !== 'paused').map((reason) => <StatusBadge key={reason} icon={TriangleAlert} tone="warn" label={t(`agency.reasons.${reason}`)} />)}
    </Stack>
  )
}

function Minutes({ client: { minutes_used, minutes_limit, name } }: { client: Client }) {
  const t = useT()
  if (minutes_limit <= 0) return <Text span size="sm" className="pl-tabular">{number(minutes_used)}</Text>
  const share = (minutes_used / minutes_limit) * 100
  return (
    <Stack gap={4} miw={96}>
      <Text span size="sm" className="pl-tabular">{t('settings.limits.of', { used: number(minutes_used), limit: number(minutes_limit) })}</Text>
      <Progress size="sm" value={Math.min(100, share)} color={share >= 100 ? 'red' : share >= 80 ? 'yellow' : 'teal'} aria-label={t('agency.minutesOf', { name })} />
    </Stack>
  )
}

// Outcomes of calls that failed, by whose fault it was.
const incidents = ['failed_desk', 'failed_account', 'failed_setup', 'failed_telephony', 'failed_provider', 'failed_vapi'] as const

function Incident({ client: { last_incident: incident } }: { client: Client }) {
  const t = useT()
  if (!incident) return <Text span size="sm" c="dimmed">–</Text>
  const what = incidents.find((known) => known === incident.what)
  return <Stack gap={0}><Text span size="sm"><When value={incident.at} /></Text>{what && <Text size="xs" c="dimmed" className="pl-wrap">{t(`agency.incidents.${what}`)}</Text>}</Stack>
}

function BulkBar({ clients, onDone }: { clients: readonly Client[]; onDone: () => void }) {
  const t = useT()
  const say = useSaid()
  const queries = useQueryClient()
  const [dialog, setDialog] = useState<'limit' | 'invite'>()
  const [refused, setRefused] = useState<{ name: string; why: string }[]>([])
  const [links, setLinks] = useState<{ name: string; link: string }[]>([])
  const act = useMutation({
    mutationFn: (bulk: Bulk) => api.post<BulkAnswer>('/api/agency/bulk', { organizations: clients.map((c) => c.id), ...bulk }),
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
    if (await confirm({ title: t('agency.pauseTitle', { count: clients.length }), body: t('agency.pauseText'), action: t('agency.pause'), danger: true })) act.mutate({ action: 'pause' })
  }
  return (
    <Paper withBorder p="sm" pl="md" bg="var(--pl-active)" role="region" aria-label={t('agency.bulk')}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={600}>{t('agency.picked', { count: clients.length })}</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" leftSection={<Pause size={14} aria-hidden />} loading={act.isPending} onClick={() => void pause()}>{t('agency.pause')}</Button>
          <Button size="xs" variant="default" leftSection={<Play size={14} aria-hidden />} loading={act.isPending} onClick={() => act.mutate({ action: 'resume' })}>{t('agency.resume')}</Button>
          <Button size="xs" variant="default" leftSection={<Gauge size={14} aria-hidden />} onClick={() => setDialog('limit')}>{t('agency.limit')}</Button>
          <Button size="xs" variant="default" leftSection={<UserPlus size={14} aria-hidden />} onClick={() => setDialog('invite')}>{t('agency.invite')}</Button>
        </Group>
      </Group>
      {refused.length > 0 && (
        <Stack gap={4} mt="sm" role="alert">
          {refused.map((r) => <Group key={r.name} gap={6} wrap="nowrap" align="flex-start"><CircleX size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} /><Text size="sm" className="pl-wrap">{t('agency.refused', r)}</Text></Group>)}
        </Stack>
      )}
      {links.length > 0 && (
        <Stack gap="xs" mt="sm" role="status">
          <Text size="sm">{t('team.invite.noMail')} {t('team.invite.handOver')}</Text>
          {links.map(({ name, link }) => <CopyLine key={name} label={name} value={link} />)}
        </Stack>
      )}
      {dialog === 'limit' && <BulkLimit busy={act.isPending} onSend={act.mutate} onClose={() => setDialog(undefined)} />}
      {dialog === 'invite' && <BulkInvite busy={act.isPending} onSend={act.mutate} onClose={() => setDialog(undefined)} />}
    </Paper>
  )
}
