import { Anchor, Select, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Bot } from 'lucide-react'
import { useMemo } from 'react'
import { DataTable, type Column } from '../../components/DataTable'
import { ListFilters } from '../../components/ListFilters'
import { Page } from '../../components/Page'
import { useNewLink } from '../../components/RecordPage'
import { RecordSync } from '../../components/RecordSync'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState } from '../../components/States'
import { useLanguage, useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { orderOf, sortOf } from '../../lib/order'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { useOptions } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { AssistantStatus } from './AssistantStatus'
import { answeredFields, assistantKind, listFields, type AnsweredNumber, type AssistantRow } from './data'
import { languageName } from './choices'
import { assistantsRoute } from './routes'
import { sorts, statuses, type AssistantsSearch, type Status } from './search'

export function AssistantsPage() {
  const t = useT()
  const language = useLanguage()
  const org = useOrg()
  const { can } = useHere()
  const { q = '', status, sort } = assistantsRoute.useSearch()
  const order = orderOf(sort ?? 'name')
  const navigate = assistantsRoute.useNavigate()
  const manage = can('assistants.manage')
  const rows = useKeyset<AssistantRow>({
    organization: org, collection: 'assistants', fields: listFields.join(), sort: order.by, descending: order.descending,
    search: { typed: q, fields: ['name', 'description'] },
    filter: status && pb.filter('status = {:status}', { status }),
  })
  const numbers = useOptions<AnsweredNumber>(org, 'phone_numbers', answeredFields, 'friendly_name')
  const answered = useMemo(() => {
    const by = new Map<string, AnsweredNumber[]>()
    for (const number of numbers.data ?? []) by.set(number.assistant, [...(by.get(number.assistant) ?? []), number])
    return by
  }, [numbers.data])
  const filter = (change: Partial<AssistantsSearch>) => navigate({
    replace: true,
    search: Object.fromEntries(Object.entries({ q, status, sort, ...change }).filter(([, value]) => value)),
  })

  const columns: Column<AssistantRow>[] = [
    { id: 'name', header: t('assistants.name'), sort: 'rising', primary: true, cell: (row) => row.name },
    { id: 'status', header: t('assistants.status'), sort: 'rising', cell: (row) => row.sync_status !== 'deleting' && <AssistantStatus status={row.status} /> },
    {
      id: 'language',
      header: t('assistants.language'),
      sort: 'rising',
      cell: (row) => <Text size="sm">{languageName(row.language, language)}</Text>,
    },
    { id: 'numbers', header: t('assistants.answers'), cell: (row) => <Answers numbers={answered.get(row.id)} /> },
    {
      id: 'sync',
      header: t('assistants.sync'),
      cell: (row) => <RecordSync collection="assistants" row={row} canRetry={manage} />,
    },
    ...(can('calls.view')
      ? [
          {
            id: 'calls',
            header: t('assistants.calls'),
            cell: (row: AssistantRow) => (
              <Anchor
                size="sm"
                component={Link}
                to={areaPath(org, 'calls')}
                search={{ assistant: row.id } as never}
                aria-label={t('assistants.callsOf', { name: row.name })}
              >
                {t('assistants.seeCalls')}
              </Anchor>
            ),
          },
        ]
      : []),
  ]
  const create = useNewLink(assistantKind)

  return (
    <Page title={t('assistants.title')} description={t('assistants.text')} actions={create}>
      <Stack gap="md">
        <ListFilters
          label={t('assistants.search')}
          active={status ? 1 : 0}
          onClear={() => void filter({ status: undefined })}
          search={
            <SearchInput label={t('assistants.search')} value={q} onSearch={(text) => void filter({ q: text })} />
          }
        >
          <Select
            aria-label={t('assistants.filterStatus')}
            placeholder={t('assistants.anyStatus')}
            clearable
            clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
            w={{ base: '100%', sm: 190 }}
            value={status ?? null}
            data={statuses.map((value) => ({ value, label: t(`assistants.statuses.${value}`) }))}
            onChange={(value) => void filter({ status: (value ?? undefined) as Status | undefined })} />
        </ListFilters>
        <DataTable
          label={t('assistants.title')}
          columns={columns}
          card={(row) => ({
            name: row.name,
            text: <Answers numbers={answered.get(row.id)} />,
            badges: (
              <>
                {row.sync_status !== 'deleting' && <AssistantStatus status={row.status} />}
                {row.sync_status !== 'synced' && <RecordSync collection="assistants" row={row} canRetry={manage} />}
              </>
            ),
            figure: languageName(row.language, language),
          })}
          rows={rows}
          order={order}
          onOrder={(next) => void filter({ sort: sortOf(next, sorts, 'name') })}
          href={(row) => areaPath(org, `assistants/${row.id}`)}
          filtered={q !== '' || status !== undefined}
          onClearFilters={() => void navigate({ search: sort ? { sort } : {}, replace: true })}
          empty={
            <EmptyState
              icon={Bot}
              title={t('assistants.empty.title')}
              text={t('assistants.empty.text')}
              action={create}
            />
          }
        />
      </Stack>
    </Page>
  )
}

function Answers({ numbers }: { numbers: AnsweredNumber[] | undefined }) {
  const t = useT()
  if (!numbers)
    return (
      <Text size="sm" c="dimmed">
        {t('assistants.noNumber')}
      </Text>
    )
  const [first, ...others] = numbers.map(
    (number) => phone(number.phone_number) || number.friendly_name || t('numbers.pendingNumber'),
  )
  return (
    <Text size="sm" className="pl-tabular" title={others.join(', ') || undefined}>
      {first}
      {others.length > 0 && (
        <Text span size="xs" c="dimmed">{` ${t('assistants.andMore', { count: others.length })}`}</Text>
      )}
    </Text>
  )
}
