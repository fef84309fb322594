import { Button, Code, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import { Link } from '@tanstack/react-router'
import { CirclePause, CirclePlay, Plus, SquareFunction } from 'lucide-react'
import { DataTable, type Column } from '../../components/DataTable'
import { Page } from '../../components/Page'
import { RecordSync } from '../../components/RecordSync'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState, Forbidden } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { pb } from '../../lib/pb'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { listFields, type FunctionRow } from './data'
import { functionsRoute } from './routes'

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
  const { can } = useHere()
  const { q = '' } = functionsRoute.useSearch()
  const navigate = functionsRoute.useNavigate()
  const manage = can('functions.manage')
  const rows = useKeyset<FunctionRow>({
    organization: org, collection: 'functions', fields: listFields.join(), sort: 'name', descending: false,
    filter: q && pb.filter('(name ~ {:q} || description ~ {:q})', { q }),
  })
  const columns: Column<FunctionRow>[] = [
    { id: 'name', header: t('functions.name'), primary: true, cell: (row) => <Code>{row.name}</Code> },
    { id: 'description', header: t('functions.does'), wideOnly: true, cell: (row) => <Text size="sm" lineClamp={2}>{row.description}</Text> },
    { id: 'url', header: t('functions.target'), cell: (row) => <Text size="sm" c="dimmed" className="pl-wrap">{host(row.webhook_url) || t('functions.noTarget')}</Text> },
    {
      id: 'state', header: t('assistants.status'),
      cell: (row) => <StatusBadge icon={row.is_active ? CirclePlay : CirclePause} tone={row.is_active ? 'good' : 'off'} label={t(row.is_active ? 'functions.on' : 'functions.off')} />,
    },
    { id: 'sync', header: t('assistants.sync'), cell: (row) => <RecordSync collection="functions" row={row} canRetry={manage} /> },
  ]
  const create = manage && <Button component={Link} to={areaPath(org, 'functions/new')} leftSection={<Plus size={16} aria-hidden />}>{t('functions.new')}</Button>
  return (
    <Page title={t('functions.title')} description={t('functions.text')} actions={create || undefined}>
      <Stack gap="md">
        <SearchInput label={t('functions.search')} value={q} onSearch={(text) => void navigate({ search: text ? { q: text } : {}, replace: true })} />
        <DataTable label={t('functions.title')} columns={columns} rows={rows} href={(row) => areaPath(org, `functions/${row.id}`)} filtered={q !== ''}
          onClearFilters={() => void navigate({ search: {}, replace: true })}
          empty={<EmptyState icon={SquareFunction} title={t('functions.empty.title')} text={t('functions.empty.text')} action={create || undefined} />} />
      </Stack>
    </Page>
  )
}
