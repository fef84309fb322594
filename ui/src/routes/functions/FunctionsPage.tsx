import { Code, Group, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import { CirclePause, CirclePlay, SquareFunction } from 'lucide-react'
import { DataTable, type Column } from '../../components/DataTable'
import { Page } from '../../components/Page'
import { useNewLink } from '../../components/RecordPage'
import { RecordSync } from '../../components/RecordSync'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState, Forbidden } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { useNarrow } from '../../lib/narrow'
import { orderOf, sortOf } from '../../lib/order'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { functionKind, listFields, type FunctionRow } from './data'
import { functionsRoute, sorts } from './routes'

export function FunctionsPage() {
  const { can } = useHere()
  return can('build.view') ? <List /> : <Forbidden level={1} />
}

/** Where a function goes, without what could be secret in the rest of the address. */
function host(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function List() {
  const t = useT()
  const org = useOrg()
  const narrow = useNarrow()
  const { can } = useHere()
  const { q = '', sort } = functionsRoute.useSearch()
  const order = orderOf(sort ?? 'name')
  const navigate = functionsRoute.useNavigate()
  const manage = can('functions.manage')
  const rows = useKeyset<FunctionRow>({
    organization: org, collection: 'functions', fields: listFields.join(), sort: order.by, descending: order.descending,
    search: { typed: q, fields: ['name', 'description'] },
  })
  const columns: Column<FunctionRow>[] = [
    { id: 'name', header: t('functions.name'), sort: 'rising', primary: true, cell: (row) => <Code>{row.name}</Code> },
    {
      id: 'description',
      header: t('functions.does'),
      cell: (row) => (
        <Text size="sm" lineClamp={2}>
          {row.description}
        </Text>
      ),
    },
    {
      id: 'url',
      header: t('functions.target'),
      cell: (row) => (
        <Text size="sm" c="dimmed" className="pl-wrap">
          {host(row.webhook_url) || t('functions.noTarget')}
        </Text>
      ),
    },
    {
      id: 'state',
      header: t('assistants.status'),
      cell: (row) => <FunctionState row={row} />,
    },
    {
      id: 'sync',
      header: t('assistants.sync'),
      cell: (row) => <RecordSync collection="functions" row={row} canRetry={manage} />,
    },
  ]
  const create = useNewLink(functionKind)
  return (
    <Page title={t('functions.title')} description={narrow ? undefined : t('functions.text')} actions={create}>
      <Stack gap="md">
        <Group role="search" aria-label={t('functions.search')}>
          <SearchInput
            label={t('functions.search')}
            value={q}
            onSearch={(text) => void navigate({ search: { ...(text && { q: text }), ...(sort && { sort }) }, replace: true })}
          />
        </Group>
        <DataTable
          label={t('functions.title')}
          columns={columns}
          card={(row) => ({
            name: row.name,
            text: row.description || host(row.webhook_url) || t('functions.noTarget'),
            badges: (
              <>
                <FunctionState row={row} />
                {row.sync_status !== 'synced' && <RecordSync collection="functions" row={row} canRetry={manage} />}
              </>
            ),
          })}
          rows={rows}
          order={order}
          onOrder={(next) => {
            const by = sortOf(next, sorts, 'name')
            void navigate({ search: { ...(q && { q }), ...(by && { sort: by }) }, replace: true })
          }}
          href={(row) => areaPath(org, `functions/${row.id}`)}
          filtered={q !== ''}
          onClearFilters={() => void navigate({ search: sort ? { sort } : {}, replace: true })}
          empty={
            <EmptyState
              icon={SquareFunction}
              title={t('functions.empty.title')}
              text={t('functions.empty.text')}
              action={create}
            />
          }
        />
      </Stack>
    </Page>
  )
}

function FunctionState({ row: { is_active: on } }: { row: FunctionRow }) {
  const t = useT()
  return (
    <StatusBadge
      icon={on ? CirclePlay : CirclePause}
      tone={on ? 'good' : 'off'}
      label={t(on ? 'functions.on' : 'functions.off')}
    />
  )
}
