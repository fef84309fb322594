import { Badge, Button, Group, Switch, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Ban, CircleCheck, ContactRound, Download, GitMerge } from 'lucide-react'
import { Suspense, useMemo, useState } from 'react'
import { DataTable, type Column } from '../../components/DataTable'
import { ListFilters } from '../../components/ListFilters'
import { Page } from '../../components/Page'
import { useNewLink } from '../../components/RecordPage'
import { SearchInput } from '../../components/SearchInput'
import { SelectRows } from '../../components/SelectRows'
import { EmptyState, Forbidden } from '../../components/States'
import { failed, undoable } from '../../components/toast'
import { When } from '../../components/When'
import { fetchBlob, saveBlob } from '../../lib/api'
import { problem } from '../../lib/errors'
import { number } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { contacts, contactsQuery, nameOf, queryOf, type ContactItem } from './data'
import { MergeDialog } from './Merge'
import { contactsRoute, type ContactsSearch } from './routes'

/** The people who called or were called. */
export function ContactsPage() {
  const t = useT()
  const org = useOrg()
  const narrow = useNarrow()
  const { can } = useHere()
  const search = contactsRoute.useSearch()
  const navigate = contactsRoute.useNavigate()
  const create = useNewLink(contacts)
  const query = queryOf(search)
  const rows = useInfiniteQuery({ ...contactsQuery(org, query), enabled: can('contacts.view') })
  const [selecting, setSelecting] = useState(false)
  const csv = useMutation({
    mutationFn: async () => saveBlob(
      await fetchBlob(`/api/organizations/${org}/contacts.csv?${new URLSearchParams(query)}`),
      `${t('contacts.title')} ${new Date().toISOString().slice(0, 10)}.csv`,
    ),
    onError: (error) => failed(problem(error, t)),
  })
  const columns = useMemo(() => columnsOf(t), [t])
  if (!can('contacts.view')) return <Forbidden level={1} />
  const filter = (change: Partial<ContactsSearch>) => void navigate({
    replace: true,
    search: Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)),
  })
  const may = can('contacts.manage')
  return (
    <Page
      title={t('contacts.title')}
      description={narrow ? undefined : t('contacts.text')}
      actions={(
        <>
          <Button
            variant="default"
            leftSection={<Download size={16} aria-hidden />}
            loading={csv.isPending}
            onClick={() => csv.mutate()}
          >
            {t('contacts.csv')}
          </Button>
          {create}
        </>
      )}
    >
      <ListFilters
        label={t('contacts.search')}
        active={search.blocked ? 1 : 0}
        onClear={() => filter({ blocked: undefined })}
        search={<SearchInput label={t('contacts.search')} value={search.q ?? ''} onSearch={(q) => filter({ q })} />}
        beside={narrow && may && <SelectRows on={selecting} onChange={setSelecting} />}
      >
        <Switch
          style={{ alignSelf: 'center' }}
          label={t('contacts.onlyBlocked')}
          checked={search.blocked === 'true'}
          onChange={(event) => filter({ blocked: event.currentTarget.checked ? 'true' : undefined })}
        />
      </ListFilters>
      <DataTable<ContactItem>
        label={t('contacts.title')}
        columns={columns}
        card={(row) => ({
          name: <bdi>{nameOf(row)}</bdi>,
          aside: <When value={row.last_seen_at} short />,
          text: [row.company, row.name ? phone(row.phone_number) : ''].filter(Boolean).join(' · '),
          badges: row.blocked && <Blocked />,
          figure: t('contacts.calls', { count: row.calls }),
        })}
        rows={rows}
        href={(row) => areaPath(org, `contacts/${row.id}`)}
        bulk={may
          ? {
              nameOf,
              selecting,
              actions: (picked, done) => (
                <Bulk
                  picked={picked}
                  onDone={() => {
                    done()
                    setSelecting(false)
                  }}
                />
              ),
            }
          : undefined}
        filtered={Object.keys(query).length > 0}
        onClearFilters={() => filter({ q: undefined, blocked: undefined })}
        empty={(
          <EmptyState
            icon={ContactRound}
            title={t('contacts.empty.title')}
            text={t('contacts.empty.text')}
            action={create}
          />
        )}
      />
    </Page>
  )
}

export function Blocked() {
  const t = useT()
  return (
    <Badge
      variant="light"
      color="red"
      radius="sm"
      tt="none"
      fw={550}
      miw="max-content"
      leftSection={<Ban size={13} aria-hidden />}
    >
      {t('contacts.blocked')}
    </Badge>
  )
}

const columnsOf = (t: T): Column<ContactItem>[] => [
  {
    id: 'name',
    header: t('contacts.fields.name'),
    primary: true,
    cell: (row) => (
      <Group gap="xs" wrap="nowrap" component="span">
        <Text span size="sm" fw={600} className="pl-wrap"><bdi>{nameOf(row)}</bdi></Text>
        {row.blocked && <Blocked />}
      </Group>
    ),
  },
  { id: 'company', header: t('contacts.fields.company'), cell: (row) => <Text size="sm">{row.company}</Text> },
  {
    id: 'phone_number',
    header: t('contacts.fields.phone_number'),
    width: 200,
    cell: (row) => <Text size="sm" className="pl-tabular">{phone(row.phone_number)}</Text>,
  },
  {
    id: 'calls',
    header: t('nav.calls'),
    width: 90,
    align: 'end',
    cell: (row) => <Text size="sm" className="pl-tabular">{number(row.calls)}</Text>,
  },
  { id: 'last', header: t('contacts.lastSeen'), width: 200, cell: (row) => <Text span size="sm" style={{ whiteSpace: 'nowrap' }}><When value={row.last_seen_at} /></Text> },
]

/** Blocks several, takes that back, or puts two together. */
function Bulk({ picked, onDone }: { picked: ContactItem[]; onDone: () => void }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const [merging, setMerging] = useState(false)
  const change = useMutation({
    mutationFn: async ({ of, blocked }: { of: readonly ContactItem[]; blocked: boolean; undo?: boolean }) => {
      for (const { id } of of) {
        // oxlint-disable-next-line no-await-in-loop -- each is a change of its own, and few are selected
        await pb.collection('contacts').update(id, { blocked }, { fields: 'id' })
      }
    },
    onSuccess: (_, { of, blocked, undo }) => {
      if (undo) return
      onDone()
      undoable(t(blocked ? 'contacts.blockedMany' : 'contacts.unblockedMany', { count: of.length }), () =>
        change.mutate({ of, blocked: !blocked, undo: true }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: [org, 'contacts'] }),
  })
  const open = picked.filter((one) => !one.blocked)
  const closed = picked.filter((one) => one.blocked)
  return (
    <>
      {picked.length === 2 && (
        <Button
          size="xs"
          variant="default"
          leftSection={<GitMerge size={14} aria-hidden />}
          onClick={() => setMerging(true)}
        >
          {t('contacts.merge.action')}
        </Button>
      )}
      {open.length > 0 && (
        <Button
          size="xs"
          variant="default"
          leftSection={<Ban size={14} aria-hidden />}
          loading={change.isPending}
          onClick={() => change.mutate({ of: open, blocked: true })}
        >
          {t('contacts.block')}
        </Button>
      )}
      {closed.length > 0 && (
        <Button
          size="xs"
          variant="default"
          leftSection={<CircleCheck size={14} aria-hidden />}
          loading={change.isPending}
          onClick={() => change.mutate({ of: closed, blocked: false })}
        >
          {t('contacts.unblock')}
        </Button>
      )}
      <Suspense>
        {merging && picked.length === 2 && (
          <MergeDialog stays={picked[0]!} other={picked[1]!} onClose={() => setMerging(false)} onDone={onDone} />
        )}
      </Suspense>
    </>
  )
}
