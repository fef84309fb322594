import { Anchor, Box, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Hash } from 'lucide-react'
import { DataTable, type Column } from '../../components/DataTable'
import { Page } from '../../components/Page'
import { useNewLink } from '../../components/RecordPage'
import { RecordSync } from '../../components/RecordSync'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState } from '../../components/States'
import { failed, undoable } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { orderOf, sortOf } from '../../lib/order'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { useOptions } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { AssistantSelect } from './AssistantSelect'
import { choiceFields, listFields, numberKind, type AssistantChoice, type NumberRow } from './data'
import { nameless, title, told } from './form'
import { NumberStates } from './NumberStates'
import { NumberStatus } from './NumberStatus'
import { numbersRoute, sorts } from './routes'
import { soughtNumber } from './search'

export function NumbersPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const manage = can('numbers.manage')
  const { q = '', sort } = numbersRoute.useSearch()
  const order = sort && orderOf(sort)
  const navigate = numbersRoute.useNavigate()
  const rows = useKeyset<NumberRow>({
    organization: org,
    collection: 'phone_numbers',
    fields: listFields.join(),
    sort: order?.by ?? 'created',
    descending: order?.descending ?? true,
    search: { typed: soughtNumber(q), fields: ['friendly_name', 'phone_number'] },
  })
  const columns: Column<NumberRow>[] = [
    {
      id: 'phone_number',
      sort: 'rising',
      header: t('numbers.number'),
      primary: true,
      cell: (row) => <span className="pl-tabular">{phone(row.phone_number) || t(nameless(row))}</span>,
    },
    {
      id: 'friendly_name',
      sort: 'rising',
      header: t('numbers.name'),
      cell: (row) => (
        <Text size="sm">
          <bdi>{row.friendly_name}</bdi>
        </Text>
      ),
    },
    {
      id: 'assistant',
      header: t('numbers.answeredBy'),
      width: 220,
      cell: (row) => <Answerer row={row} writable={manage} />,
    },
    {
      id: 'status',
      sort: 'rising',
      header: t('numbers.status'),
      cell: (row) => told(row).status && <NumberStatus status={row.status} />,
    },
    {
      id: 'fallback',
      header: t('numbers.fallback'),
      cell: (row) => (
        <Text size="sm" c={row.fallback_number ? undefined : 'dimmed'} className="pl-tabular">
          {phone(row.fallback_number) || t('numbers.noFallback')}
        </Text>
      ),
    },
    {
      id: 'provider',
      header: t('numbers.provider'),
      cell: (row) => <Text size="sm">{t(`numbers.providers.${row.provider}`)}</Text>,
    },
    {
      id: 'sync',
      header: t('numbers.sync'),
      cell: (row) => told(row).sync && <RecordSync collection="phone_numbers" row={row} canRetry={manage} />,
    },
  ]
  const create = useNewLink(numberKind)
  return (
    <Page title={t('numbers.title')} description={t('numbers.text')} actions={create}>
      <Stack gap="md">
        <Group role="search" aria-label={t('numbers.search')}>
          <SearchInput
            label={t('numbers.search')}
            value={q}
            onSearch={(text) => void navigate({ search: { ...(text && { q: text }), ...(sort && { sort }) }, replace: true })}
          />
        </Group>
        <DataTable
          label={t('numbers.title')}
          columns={columns}
          card={(row) => ({
            name: row.friendly_name || phone(row.phone_number) || t(nameless(row)),
            aside: row.friendly_name && phone(row.phone_number),
            text: <Answerer row={row} writable={false} linked={false} />,
            badges: <NumberStates row={row} canRetry={manage} wrong />,
            figure: t(`numbers.providers.${row.provider}`),
          })}
          rows={rows}
          order={order}
          onOrder={(next) => {
            const by = sortOf(next, sorts)
            void navigate({ search: { ...(q && { q }), ...(by && { sort: by }) }, replace: true })
          }}
          href={(row) => areaPath(org, `numbers/${row.id}`)}
          filtered={q !== ''}
          onClearFilters={() => void navigate({ search: sort ? { sort } : {}, replace: true })}
          empty={
            <EmptyState
              icon={Hash}
              title={t('numbers.empty.title')}
              text={t(manage ? 'numbers.empty.text' : 'numbers.empty.ask')}
              action={create}
            />
          }
        />
      </Stack>
    </Page>
  )
}

/** Who answers a number: chosen in the row, saved at once, and taken back with one click. */
function Answerer({ row, writable, linked = true }: { row: NumberRow; writable: boolean; linked?: boolean }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const assistants = useOptions<AssistantChoice>(org, 'assistants', choiceFields, 'name')
  const nameOf = (id: string) => assistants.data?.find((one) => one.id === id)?.name ?? ''
  const assign = useMutation({
    mutationFn: ({ to }: { to: string; from: string; undo?: boolean }) =>
      pb.collection('phone_numbers').update(row.id, { assistant: to }, { fields: 'id' }),
    onSuccess: (_, { to, from, undo }) => {
      if (undo) return
      const message = to
        ? t('numbers.assigned', { number: title(row), name: nameOf(to) })
        : t('numbers.unassigned', { number: title(row) })
      undoable(message, () => assign.mutate({ to: from, from: to, undo: true }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: [org, 'phone_numbers'] }),
  })
  if (!writable || row.sync_status === 'deleting') {
    if (!row.assistant)
      return (
        <Text size="sm" c="dimmed">
          {t('numbers.nobody')}
        </Text>
      )
    if (!linked) return nameOf(row.assistant)
    return (
      <Anchor size="sm" component={Link} to={areaPath(org, `assistants/${row.assistant}`)}>
        {nameOf(row.assistant)}
      </Anchor>
    )
  }
  return (
    <Box miw={180}>
      <AssistantSelect size="xs" aria-label={t('numbers.answererOf', { number: title(row) })}
        value={(assign.isPending ? assign.variables.to : row.assistant) || null}
        onChange={(value) => assign.mutate({ to: value ?? '', from: row.assistant })} />
    </Box>
  )
}
