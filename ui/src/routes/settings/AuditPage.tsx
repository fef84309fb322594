import { Anchor, Button, Code, Select, Stack, Table, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Download, ScrollText } from 'lucide-react'
import { useState } from 'react'
import { DataTable, type Column } from '../../components/DataTable'
import { DateRange } from '../../components/Days'
import { Dialog } from '../../components/Dialog'
import { ListFilters } from '../../components/ListFilters'
import { EmptyState, Forbidden } from '../../components/States'
import { failed } from '../../components/toast'
import { When } from '../../components/When'
import { api, fetchBlob, saveBlob } from '../../lib/api'
import { problem } from '../../lib/errors'
import { today } from '../../lib/days'
import { useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { useNarrow } from '../../lib/narrow'
import type { AuditLogsRecord } from '../../lib/pb-types.gen'
import { logged } from '../../lib/rules.gen'
import { useHere, useOrg } from '../../lib/session'
import type { Member } from '../team/data'
import {
  actionChoices, actionWords, actorTypes, actorWords, auditFilter, changesOf, fieldWords, valueWords,
} from './audit'
import { auditRoute, type AuditSearch } from './routes'
import { SettingsPage } from './SettingsPage'

export type Entry = Pick<
  AuditLogsRecord,
  | 'id'
  | 'user'
  | 'actor_name'
  | 'actor_type'
  | 'action'
  | 'resource'
  | 'record'
  | 'details'
  | 'ip_address'
  | 'user_agent'
  | 'request_id'
  | 'created'
>

const fields = 'user,actor_name,actor_type,action,resource,record,details,ip_address,user_agent,request_id'

export function AuditPage() {
  const { can } = useHere()
  if (!can('settings.manage')) return <Forbidden level={1} />
  return <Log />
}

function Log() {
  const t = useT()
  const org = useOrg()
  const zone = useHere().organization?.timezone
  const search = auditRoute.useSearch()
  const navigate = auditRoute.useNavigate()
  const [shown, setShown] = useState<Entry>()
  const people = useQuery({
    queryKey: [org, 'memberships', 'names'],
    queryFn: async ({ signal }) =>
      (
        await api.get<{ members: Member[] }>('/api/team-members', { signal, query: { organization: org, limit: 100 } })
      ).members.flatMap((m) => (m.user_id ? [{ value: m.user_id, label: m.full_name || m.email }] : [])),
  })
  const rows = useKeyset<Entry>({
    organization: org,
    collection: 'audit_logs',
    fields,
    sort: 'created',
    filter: auditFilter(search, zone),
  })
  const filter = (change: AuditSearch) =>
    navigate({
      replace: true,
      search: Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)),
    })
  const clear = () => void navigate({ search: {}, replace: true })
  const columns: Column<Entry>[] = [
    {
      id: 'what',
      header: t('settings.audit.what'),
      primary: true,
      width: 260,
      cell: (row) => (
        <Anchor
          component="button"
          type="button"
          size="sm"
          fw={600}
          ta="start"
          className="pl-wrap"
          onClick={() => setShown(row)}
        >
          {actionWords(row, t)}
        </Anchor>
      ),
    },
    {
      id: 'who',
      header: t('settings.audit.who'),
      width: 170,
      cell: (row) => (
        <Text size="sm" className="pl-wrap">
          <bdi>{actorWords(row, t)}</bdi>
        </Text>
      ),
    },
    {
      id: 'fields',
      header: t('settings.audit.changed'),
      cell: (row) => (
        <Text size="xs" c="dimmed">
          {few(changesOf(row.details).map((c) => fieldWords(c.field, t))) || '–'}
        </Text>
      ),
    },
    {
      id: 'from',
      header: t('settings.audit.from'),
      cell: (row) => (
        <Text size="sm" className="pl-tabular">
          {row.ip_address || '–'}
        </Text>
      ),
    },
    { id: 'when', header: t('settings.audit.when'), width: 150, cell: (row) => <When value={row.created} /> },
  ]
  return (
    <SettingsPage
      title={t('settings.nav.audit')}
      text={t('settings.audit.text')}
      needs={['settings.manage']}
      size="xl"
      actions={<Csv search={search} />}
    >
      <ListFilters label={t('settings.audit.find')} active={Object.keys(search).length} onClear={clear}>
        <Select
          aria-label={t('settings.audit.byWho')}
          placeholder={t('settings.audit.anybody')}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
          w={{ base: '100%', sm: 220 }}
          value={search.who ?? null}
          data={[
            { group: t('settings.audit.people'), items: people.data ?? [] },
            {
              group: t('settings.audit.others'),
              items: actorTypes.map((value) => ({ value, label: t(`settings.audit.actors.${value}`) })),
            },
          ]}
          onChange={(value) => void filter({ who: value ?? '' })}
        />
        <Select
          aria-label={t('settings.audit.byAction')}
          placeholder={t('settings.audit.anyAction')}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
          w={{ base: '100%', sm: 230 }}
          value={search.action ?? null}
          data={actionChoices(t)}
          onChange={(value) => void filter({ action: value ?? '' })}
        />
        <Select
          aria-label={t('settings.audit.byResource')}
          placeholder={t('settings.audit.anyResource')}
          clearable
          clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
          w={{ base: '100%', sm: 180 }}
          value={search.resource ?? null}
          data={logged.map((value) => ({ value, label: t(`settings.audit.resources.${value}`) }))}
          onChange={(value) => void filter({ resource: value ?? '' })}
        />
        <DateRange
          from={search.from}
          to={search.to}
          today={today(zone)}
          w={{ base: '100%', sm: 260 }}
          onChange={({ from = '', to = '' }) => void filter({ from, to })}
        />
      </ListFilters>
      <DataTable
        label={t('settings.nav.audit')}
        columns={columns}
        card={(row) => ({
          name: (
            <Anchor component="button" type="button" size="sm" fw={600} onClick={() => setShown(row)}>
              {actionWords(row, t)}
            </Anchor>
          ),
          told: true,
          whole: true,
          aside: <When value={row.created} />,
          text: few(changesOf(row.details).map((c) => fieldWords(c.field, t))),
          badges: <Text size="xs" c="dimmed"><bdi>{actorWords(row, t)}</bdi></Text>,
        })}
        rows={rows}
        filtered={Object.keys(search).length > 0}
        onClearFilters={clear}
        empty={
          <EmptyState icon={ScrollText} title={t('settings.audit.empty.title')} text={t('settings.audit.empty.text')} />
        }
      />
      {shown && <Detail entry={shown} onClose={() => setShown(undefined)} />}
    </SettingsPage>
  )
}

function Csv({ search }: { search: AuditSearch }) {
  const t = useT()
  const org = useOrg()
  const { who, action, resource, from, to } = search
  const get = useMutation({
    mutationFn: () =>
      fetchBlob(
        `/api/organizations/${org}/audit.csv?${new URLSearchParams(Object.entries({ actor: who, action, resource, from, to }).filter((e): e is [string, string] => Boolean(e[1])))}`,
      ),
    onSuccess: (blob) => saveBlob(blob, 'audit-log.csv'),
    onError: (error) => failed(problem(error, t)),
  })
  return (
    <Button
      variant="default"
      loading={get.isPending}
      leftSection={<Download size={16} aria-hidden />}
      onClick={() => get.mutate()}
    >
      {t('settings.audit.csv')}
    </Button>
  )
}

/** One entry whole: what was before and after, from where. */
function Detail({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const t = useT()
  const changes = changesOf(entry.details)
  const narrow = useNarrow()
  const facts: [string, string][] = [
    [t('settings.audit.who'), actorWords(entry, t)],
    [t('settings.audit.record'), entry.record],
    [t('settings.audit.from'), entry.ip_address],
    [t('settings.audit.browser'), entry.user_agent],
    [t('errors.requestId'), entry.request_id],
  ]
  return (
    <Dialog onClose={onClose} title={actionWords(entry, t)} size="xl">
      <Stack gap="md">
        <Text size="sm" c="dimmed"><When value={entry.created} exact /></Text>
        <Table variant="vertical" withTableBorder layout="auto">
          <Table.Tbody>
            {facts
              .filter(([, value]) => value)
              .map(([label, value]) => (
                <Table.Tr key={label}>
                  <Table.Th scope="row" w={140}>
                    {label}
                  </Table.Th>
                  <Table.Td className="pl-wrap">{value}</Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
        {changes.length > 0 && (narrow ? <Cards changes={changes} /> : <Matrix changes={changes} />)}
      </Stack>
    </Dialog>
  )
}

type Changes = ReturnType<typeof changesOf>

function Matrix({ changes }: { changes: Changes }) {
  const t = useT()
  return (
    <Table withTableBorder layout="fixed" aria-label={t('settings.audit.changed')}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col" w={180}>
            {t('settings.audit.field')}
          </Table.Th>
          <Table.Th scope="col">{t('settings.audit.before')}</Table.Th>
          <Table.Th scope="col">{t('settings.audit.after')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {changes.map(({ field, before, after }) => (
          <Table.Tr key={field}>
            <Table.Th scope="row" fw={550} className="pl-wrap">{fieldWords(field, t)}</Table.Th>
            <Table.Td><Value field={field} value={before} tone="red" /></Table.Td>
            <Table.Td><Value field={field} value={after} tone="green" /></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** The same for a phone: before above after, nothing to push sideways. */
function Cards({ changes }: { changes: Changes }) {
  const t = useT()
  return (
    <Stack gap="md" role="group" aria-label={t('settings.audit.changed')}>
      {changes.map(({ field, before, after }) => (
        <Stack key={field} gap={4}>
          <Text size="sm" fw={600} className="pl-wrap">{fieldWords(field, t)}</Text>
          <Text size="xs" c="dimmed">{t('settings.audit.before')}</Text>
          <Value field={field} value={before} tone="red" />
          <Text size="xs" c="dimmed">{t('settings.audit.after')}</Text>
          <Value field={field} value={after} tone="green" />
        </Stack>
      ))}
    </Stack>
  )
}

function Value({ field, value, tone }: { field: string; value: string; tone: 'red' | 'green' }) {
  const t = useT()
  if (value === '')
    return (
      <Text span size="sm" c="dimmed">
        {t('settings.audit.nothing')}
      </Text>
    )
  return (
    <Code
      block
      style={{
        background: `var(--mantine-color-${tone}-light)`,
        color: `var(--mantine-color-${tone}-light-color)`,
        whiteSpace: 'pre-wrap',
        overflowWrap: 'anywhere',
      }}
    >
      {valueWords(value, t, field)}
    </Code>
  )
}

/** The first fields of an entry, and how many more there are: the entry itself has all. */
const few = (words: string[], most = 5): string =>
  [words.slice(0, most).join(', '), ...(words.length > most ? [`+${words.length - most}`] : [])].join(' ')
