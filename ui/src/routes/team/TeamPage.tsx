import { ActionIcon, Avatar, Button, Group, Menu, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import {
  Ban, CirclePlay, Crown, Ellipsis, LogOut, Pencil, RotateCw, ShieldOff, Trash2, UserPlus, Users,
} from 'lucide-react'
import { useState } from 'react'
import { confirm } from '../../components/confirm'
import { DataTable, type Column } from '../../components/DataTable'
import { Dialog } from '../../components/Dialog'
import { ListFilters } from '../../components/ListFilters'
import { Page } from '../../components/Page'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState, Forbidden } from '../../components/States'
import { SubNav } from '../../components/SubNav'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { orderOf, sortOf } from '../../lib/order'
import { areaPath, useHere, useMe, useOrg } from '../../lib/session'
import { useLeave } from '../me/leave'
import { useTeam, type Invited, type Member } from './data'
import { EditDialog } from './EditDialog'
import { InviteDialog, Outcomes } from './InviteDialog'
import { MemberStatus } from './MemberStatus'
import { memberStates, sorts, teamRoute, type TeamSearch } from './routes'

const allRoles = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] as const

export function useTeamPages() {
  const t = useT()
  const org = useOrg()
  return [
    { to: areaPath(org, 'team'), label: t('team.members') },
    { to: areaPath(org, 'team/roles'), label: t('team.roles.title') },
  ]
}

export function TeamPage() {
  const t = useT()
  const { can } = useHere()
  if (!can('team.view')) return <Forbidden level={1} />
  return <Team title={t('team.title')} />
}

function Team({ title }: { title: string }) {
  const t = useT()
  const org = useOrg()
  const { can, organization } = useHere()
  const search = teamRoute.useSearch()
  const navigate = teamRoute.useNavigate()
  const narrow = useNarrow()
  const pages = useTeamPages()
  const [inviting, setInviting] = useState(false)
  const [editing, setEditing] = useState<Member>()
  const [resent, setResent] = useState<Invited>()
  const rows = useTeam(org, search)
  const manage = can('team.manage')
  const filter = (change: Partial<TeamSearch>) =>
    navigate({
      replace: true,
      search: Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)),
    })
  const departments = [
    ...new Set([
      ...(rows.data?.pages.flatMap((p) => p.items.map((m) => m.department ?? '')) ?? []),
      search.department ?? '',
    ]),
  ]
    .filter(Boolean)
    .sort()
  const clear = { 'aria-label': t('states.noMatch.clear') }

  // The server has one order: rows are ordered here, where all of them are.
  const whole = rows.data !== undefined && !rows.hasNextPage
  const sorted = (value: (row: Member) => string, sort: 'rising' | 'falling' = 'rising') => (whole ? { sort, value } : {})
  const columns: Column<Member>[] = [
    {
      id: 'name', header: t('profile.name'), primary: true, ...sorted((row) => row.full_name || row.email),
      cell: (row) => (
        <Group gap="sm" wrap="nowrap">
          <Avatar size={32} color="teal" aria-hidden name={row.full_name || row.email} />
          <Stack gap={0} miw={0}>
            <Text size="sm" fw={600} className="pl-wrap"><bdi>{row.full_name || row.email}</bdi></Text>
            {row.full_name && <Text size="xs" c="dimmed" className="pl-wrap">{row.email}</Text>}
          </Stack>
        </Group>
      ),
    },
    { id: 'role', header: t('team.role'), ...sorted((row) => t(`roles.${row.role}`)), cell: (row) => t(`roles.${row.role}`) },
    {
      id: 'department', header: t('team.department'), ...sorted((row) => row.department ?? ''),
      cell: (row) => row.department || <Text span c="dimmed">–</Text>,
    },
    { id: 'status', header: t('team.status'), ...sorted((row) => t(`team.states.${row.status}`)), cell: (row) => <MemberStatus member={row} /> },
    {
      id: 'seen',
      header: t('team.seen'),
      ...sorted((row) => row.last_active_at ?? '', 'falling'),
      cell: (row) => <Seen member={row} />,
    },
    {
      id: 'actions', header: t('team.actions'), width: 60, align: 'end',
      cell: (row) => <Actions member={row} manage={manage} onEdit={() => setEditing(row)} onResent={setResent} />,
    },
  ]
  const invite = manage && (
    <Button leftSection={<UserPlus size={16} aria-hidden />} onClick={() => setInviting(true)}>
      {t('team.invite.action')}
    </Button>
  )

  return (
    <Page title={title} description={narrow ? undefined : t('team.text', { name: organization?.name ?? '' })} actions={invite || undefined}>
      <SubNav label={title} pages={pages} />
      <Stack gap="md">
        <ListFilters
          label={t('team.search')}
          active={[search.role, search.status, search.department].filter(Boolean).length}
          onClear={() => void filter({ role: undefined, status: undefined, department: undefined })}
          search={<SearchInput label={t('team.search')} value={search.q ?? ''} onSearch={(q) => void filter({ q })} />}
        >
          <Select
            aria-label={t('team.filterRole')}
            placeholder={t('team.anyRole')}
            clearable
            clearButtonProps={clear}
            w={{ base: '100%', sm: 170 }}
            value={search.role ?? null}
            data={allRoles.map((value) => ({ value, label: t(`roles.${value}`) }))}
            onChange={(value) => void filter({ role: value ?? undefined })}
          />
          <Select
            aria-label={t('team.filterStatus')}
            placeholder={t('team.anyStatus')}
            clearable
            clearButtonProps={clear}
            w={{ base: '100%', sm: 170 }}
            value={search.status ?? null}
            data={memberStates.map((value) => ({ value, label: t(`team.states.${value}`) }))}
            onChange={(value) => void filter({ status: value ?? undefined })}
          />
          {departments.length > 0 && (
            <Select
              aria-label={t('team.filterDepartment')}
              placeholder={t('team.anyDepartment')}
              clearable
              clearButtonProps={clear}
              w={{ base: '100%', sm: 190 }}
              value={search.department ?? null}
              data={departments}
              onChange={(value) => void filter({ department: value ?? undefined })}
            />
          )}
        </ListFilters>
        <DataTable
          label={title}
          columns={columns}
          card={(row) => ({
            name: row.full_name || row.email,
            aside: <Seen member={row} />,
            text: row.full_name ? row.email : '',
            badges: (
              <>
                <MemberStatus member={row} />
                <Text span size="xs">{t(`roles.${row.role}`)}</Text>
              </>
            ),
            figure: row.department,
            action: <Actions member={row} manage={manage} onEdit={() => setEditing(row)} onResent={setResent} />,
          })}
          rows={rows}
          order={whole && search.sort ? orderOf(search.sort) : undefined}
          onOrder={(order) => void filter({ sort: sortOf(order, sorts) })}
          filtered={Object.keys(search).some((name) => name !== 'sort')}
          onClearFilters={() => void navigate({ search: {}, replace: true })}
          empty={
            <EmptyState
              icon={Users}
              title={t('team.empty.title')}
              text={t('team.empty.text')}
              action={invite || undefined}
            />
          }
        />
      </Stack>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      {editing && <EditDialog member={editing} onClose={() => setEditing(undefined)} />}
      {resent && (
        <Dialog onClose={() => setResent(undefined)} title={t('team.invite.resent')} size="lg">
          <Outcomes outcomes={[resent]} />
        </Dialog>
      )}
    </Page>
  )
}

/** When a member was last here; of an invitation, until when it holds. */
function Seen({ member }: { member: Member }) {
  const t = useT()
  if (member.status === 'invited') return <Ends at={member.expires_at} />
  if (member.last_active_at) return <When value={member.last_active_at} short />
  return <Text span c="dimmed" inherit>{t('team.never')}</Text>
}

/** Until when an invitation can be accepted. */
function Ends({ at }: { at: string | null | undefined }) {
  const t = useT()
  if (!at) return null
  return <Text span inherit c="dimmed">{t('team.until')} <When value={at} /></Text>
}

function Actions({
  member,
  manage,
  onEdit,
  onResent,
}: {
  member: Member
  manage: boolean
  onEdit: () => void
  onResent: (outcome: Invited) => void
}) {
  const t = useT()
  const me = useMe()
  const org = useOrg()
  const { place, organization } = useHere()
  const queries = useQueryClient()
  const leave = useLeave()
  const name = member.full_name || member.email
  const self = member.user_id === me?.id
  const invited = member.status === 'invited'
  const query = { organization: org }
  const act = useMutation({
    mutationFn: ({ run }: { run: () => Promise<unknown>; done?: string; show?: (answer: never) => void }) => run(),
    onSuccess: (answer, { done, show }) => {
      void queries.invalidateQueries({ queryKey: [org, 'memberships'] })
      void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
      if (done) saved(done)
      show?.(answer as never)
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async (
    question: 'suspend' | 'remove' | 'cancel' | 'transfer' | 'resetFactor',
    run: () => Promise<unknown>,
  ) => {
    const yes = await confirm({
      title: t(`team.${question}.title`, { name }),
      body: t(`team.${question}.text`, { name, organization: organization?.name ?? '' }),
      action: t(`team.${question}.action`),
      danger: question !== 'transfer',
    })
    if (yes) act.mutate({ run, done: t(`team.${question}.done`, { name }) })
  }
  const path = `/api/team-members/${member.id}`
  const items = [
    ...(manage && !invited
      ? [
          <Menu.Item key="edit" leftSection={<Pencil size={16} aria-hidden />} onClick={onEdit}>
            {t('team.edit')}
          </Menu.Item>,
        ]
      : []),
    ...(manage && invited
      ? [
          <Menu.Item
            key="resend"
            leftSection={<RotateCw size={16} aria-hidden />}
            onClick={() =>
              act.mutate({
                run: () => api.post<Invited>('/api/team-members/resend', { email: member.email }, { query }),
                show: (answer: Invited) => onResent({ ...answer, email: member.email }),
              })
            }
          >
            {t('team.resend')}
          </Menu.Item>,
          <Menu.Item
            key="cancel"
            c="var(--mantine-color-error)"
            leftSection={<Trash2 size={16} aria-hidden />}
            onClick={() => void ask('cancel', () => api.delete(path, { query }))}
          >
            {t('team.cancel.action')}
          </Menu.Item>,
        ]
      : []),
    ...(place?.role === 'owner' && !self && member.status === 'active' && member.role !== 'owner' && member.user_id
      ? [
          <Menu.Item
            key="transfer"
            leftSection={<Crown size={16} aria-hidden />}
            onClick={() =>
              void ask('transfer', () => api.post(`/api/organizations/${org}/transfer`, { user: member.user_id }))
            }
          >
            {t('team.transfer.action')}
          </Menu.Item>,
        ]
      : []),
    ...((place?.role === 'owner' || place?.role === 'admin') && !self && !invited && member.user_id
      ? [
          <Menu.Item
            key="factor"
            leftSection={<ShieldOff size={16} aria-hidden />}
            onClick={() =>
              void ask('resetFactor', () => api.post(`/api/organizations/${org}/members/${member.id}/reset-factor`))
            }
          >
            {t('team.resetFactor.action')}
          </Menu.Item>,
        ]
      : []),
    ...(manage && !invited && !self
      ? [
          member.status === 'active' ? (
            <Menu.Item
              key="suspend"
              leftSection={<Ban size={16} aria-hidden />}
              onClick={() => void ask('suspend', () => api.post(`${path}/suspend`, undefined, { query }))}
            >
              {t('team.suspend.action')}
            </Menu.Item>
          ) : (
            <Menu.Item
              key="activate"
              leftSection={<CirclePlay size={16} aria-hidden />}
              onClick={() =>
                act.mutate({
                  run: () => api.post(`${path}/activate`, undefined, { query }),
                  done: t('team.activated', { name }),
                })
              }
            >
              {t('team.activate')}
            </Menu.Item>
          ),
          <Menu.Item
            key="remove"
            c="var(--mantine-color-error)"
            leftSection={<Trash2 size={16} aria-hidden />}
            onClick={() => void ask('remove', () => api.delete(path, { query }))}
          >
            {t('team.remove.action')}
          </Menu.Item>,
        ]
      : []),
    ...(self && organization
      ? [
          <Menu.Item
            key="leave"
            c="var(--mantine-color-error)"
            leftSection={<LogOut size={16} aria-hidden />}
            onClick={() => void leave.ask(organization)}
          >
            {t('team.leave.action')}
          </Menu.Item>,
        ]
      : []),
  ]
  if (items.length === 0) return null
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('team.actionsOf', { name })}
          loading={act.isPending || leave.busy}
        >
          <Ellipsis size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{items}</Menu.Dropdown>
    </Menu>
  )
}
