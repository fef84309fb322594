import { Alert, Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import { useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleOff, CirclePause, KeyRound, Plus, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { confirm } from '../../components/confirm'
import { CopyLine } from '../../components/CopyLine'
import { DataTable, type Column } from '../../components/DataTable'
import { Dialog } from '../../components/Dialog'
import { field } from '../../components/Field'
import { EmptyState, ProblemAlert } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { limits, type ApiKeysRecord } from '../../lib/pb-types.gen'
import { grantable } from '../../lib/permissions'
import { useHere, useOrg } from '../../lib/session'
import { SettingsPage } from './SettingsPage'

type Key = Pick<
  ApiKeysRecord,
  'id' | 'name' | 'role' | 'prefix' | 'expires_at' | 'last_used_at' | 'last_used_ip' | 'created'
> & {
  /** Its role or, when that is less, its maker's; '' once it ended. */
  acts_with: Key['role'] | ''
  state: 'active' | 'paused' | 'ended'
  /** '' when the account is gone. */
  created_by_name: string
  why: '' | 'factor' | 'revoked' | 'expired' | 'maker'
}

const path = (org: string) => `/api/organizations/${org}/keys`

export function KeysPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const [making, setMaking] = useState(false)
  const allowed = can('integrations.manage')
  const keys = useQuery({
    queryKey: [org, 'api_keys', 'list'],
    enabled: allowed,
    queryFn: ({ signal }) => api.get<{ keys: Key[] }>(path(org), { signal }),
  })
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      {t('settings.keys.new')}
    </Button>
  )
  const columns: Column<Key>[] = [
    {
      id: 'name',
      header: t('settings.keys.name'),
      primary: true,
      cell: (row) => (
        <Stack gap={0}>
          <Text size="sm" fw={600} className="pl-wrap">
            <bdi>{row.name}</bdi>
          </Text>
          <Code w="fit-content">{row.prefix}…</Code>
        </Stack>
      ),
    },
    { id: 'role', header: t('team.role'), cell: (row) => <Role row={row} /> },
    {
      id: 'maker',
      header: t('settings.keys.maker'),
      cell: (row) => (
        <Text size="sm" className="pl-wrap">
          {row.created_by_name || t('settings.keys.makerGone')}
        </Text>
      ),
    },
    { id: 'state', header: t('team.status'), cell: (row) => <KeyState row={row} /> },
    {
      id: 'used',
      header: t('settings.keys.used'),
      cell: (row) => <Used row={row} />,
    },
    {
      id: 'ends',
      header: t('settings.keys.expires'),
      cell: (row) =>
        row.expires_at ? (
          <When value={row.expires_at} />
        ) : (
          <Text span size="sm" c="dimmed">
            {t('settings.keys.noEnd')}
          </Text>
        ),
    },
    { id: 'actions', header: t('team.actions'), align: 'end', cell: (row) => <Revoke row={row} /> },
  ]
  return (
    <SettingsPage
      title={t('settings.nav.keys')}
      text={t('settings.keys.text')}
      needs={['integrations.manage']}
      size="xl"
      actions={create}
    >
      <DataTable
        label={t('settings.nav.keys')}
        columns={columns}
        card={(row) => ({
          name: row.name,
          aside: <Code>{row.prefix}…</Code>,
          text: <Used row={row} />,
          badges: <StatusBadge {...states[row.state]} label={t(`settings.keys.${row.state}`)} />,
          figure: t(`roles.${row.role}`),
          action: <Revoke row={row} />,
        })}
        filtered={false}
        rows={{
          data: keys.data && { pages: [{ items: keys.data.keys }] },
          error: keys.error,
          isPending: keys.isPending,
          hasNextPage: false,
          isFetchingNextPage: false,
          fetchNextPage: () => undefined,
          refetch: () => void keys.refetch(),
        }}
        empty={
          <EmptyState
            icon={KeyRound}
            title={t('settings.keys.empty.title')}
            text={t('settings.keys.empty.text')}
            action={create}
          />
        }
      />
      {making && <NewKey onClose={() => setMaking(false)} />}
    </SettingsPage>
  )
}

function Used({ row }: { row: Key }) {
  const t = useT()
  if (!row.last_used_at) return <Text span size="sm" c="dimmed">{t('team.never')}</Text>
  return (
    <Text size="sm">
      <When value={row.last_used_at} />
      {row.last_used_ip && <Text span size="xs" c="dimmed">{` · ${row.last_used_ip}`}</Text>}
    </Text>
  )
}

function KeyState({ row }: { row: Key }) {
  const t = useT()
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge {...states[row.state]} label={t(`settings.keys.${row.state}`)} />
      {row.why && <Text size="xs" c="dimmed" className="pl-wrap">{t(`settings.keys.why.${row.why}`)}</Text>}
    </Stack>
  )
}

const states = {
  active: { icon: CircleCheck, tone: 'good' },
  paused: { icon: CirclePause, tone: 'warn' },
  ended: { icon: CircleOff, tone: 'off' },
} as const

/** The key's own role, and what it acts with while its maker has less. */
function Role({ row }: { row: Key }) {
  const t = useT()
  const less = row.acts_with === row.role ? '' : row.acts_with
  return (
    <Stack gap={0}>
      <Text size="sm">{t(`roles.${row.role}`)}</Text>
      {less && (
        <Text size="xs" c="dimmed" className="pl-wrap">
          {t('settings.keys.actsWith', { role: t(`roles.${less}`) })}
        </Text>
      )}
    </Stack>
  )
}

function Revoke({ row }: { row: Key }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => api.delete(`${path(org)}/${row.id}`),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [org, 'api_keys'] })
      saved(t('settings.keys.revokeDone', { name: row.name }))
    },
    onError: (error) => failed(problem(error, t)),
  })
  if (row.state === 'ended') return null
  const ask = async () => {
    if (
      await confirm({
        title: t('settings.keys.revokeTitle', { name: row.name }),
        body: t('settings.keys.revokeText'),
        action: t('settings.keys.revoke'),
        danger: true,
      })
    )
      revoke.mutate()
  }
  return (
    <Button
      size="xs"
      variant="default"
      loading={revoke.isPending}
      onClick={() => void ask()}
      aria-label={t('settings.keys.revokeOne', { name: row.name })}
    >
      {t('settings.keys.revoke')}
    </Button>
  )
}

const DAY_MS = 86_400_000
const ends = ['30', '90', '365', ''] as const

/** A new key; it is shown once, here. */
function NewKey({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const { place } = useHere()
  const queries = useQueryClient()
  const [made, setMade] = useState<{ key: string; name: string }>()
  const all = place?.role === 'owner' || place?.role === 'admin'
  const form = useForm({
    mode: 'controlled',
    initialValues: {
      name: '',
      role: (all || place?.role === 'developer' ? 'developer' : 'viewer') as Key['role'],
      days: '90' as string,
    },
    validate: { name: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ name, role, days }) =>
      api.post<{ key: string }>(path(org), {
        name: name.trim(),
        role,
        ...(days && { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }),
      }),
    ({ key }) => {
      setMade({ key, name: form.getValues().name.trim() })
      void queries.invalidateQueries({ queryKey: [org, 'api_keys'] })
    },
  )
  if (made) {
    return (
      <Dialog
        onClose={onClose}
        title={t('settings.keys.made', { name: made.name })}
        size="lg"
        closeOnClickOutside={false}
      >
        <Stack gap="md">
          <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
            {t('settings.keys.once')}
          </Alert>
          <CopyLine label={t('settings.keys.key')} value={made.key} />
          <Text size="sm" c="dimmed">{t('settings.keys.how')} <Code>Authorization: Bearer pk_…</Code></Text>
          <Group justify="flex-end"><Button onClick={onClose}>{t('settings.keys.kept')}</Button></Group>
        </Stack>
      </Dialog>
    )
  }
  return (
    <Dialog onClose={onClose} title={t('settings.keys.new')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <TextInput
            label={t('settings.keys.name')}
            description={t('settings.keys.nameHint')}
            data-autofocus
            {...field(form, 'name', limits.api_keys.name)}
          />
          <Select
            label={t('team.role')}
            description={t('settings.keys.roleHint')}
            allowDeselect={false}
            {...field(form, 'role')}
            data={grantable(place?.role).map((value) => ({ value, label: t(`roles.${value}`) }))}
          />
          <Select
            label={t('settings.keys.expires')}
            allowDeselect={false}
            {...field(form, 'days')}
            data={ends.map((value) => ({
              value,
              label: value ? t('settings.keys.inDays', { count: Number(value) }) : t('settings.keys.noEnd'),
            }))}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={busy}>{t('settings.keys.create')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
