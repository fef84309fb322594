import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, FlaskConical, PhoneCall, PhoneOutgoing } from 'lucide-react'
import { Suspense, useEffect, useMemo, useState } from 'react'
import { DataTable, type Card, type Column } from '../../components/DataTable'
import { Page } from '../../components/Page'
import { SelectRows } from '../../components/SelectRows'
import { EmptyState, Forbidden } from '../../components/States'
import { failed } from '../../components/toast'
import { When } from '../../components/When'
import { fetchBlob, saveBlob } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { duration } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { orderOf, sortOf } from '../../lib/order'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { useShortcut } from '../../lib/shortcuts'
import classes from './Calls.module.css'
import { CallsBulk } from './CallsBulk'
import { CallActions } from './CallActions'
import { assistantsQuery, isLive, type CallItem } from './data'
import { PlaceCall, Simulate } from './dialogs'
import { Filters } from './Filters'
import { countFilters, sorts, toQuery, type CallFilters } from './filters'
import { NameInRow } from './SaveName'
import { setTrail } from './trail'
import { parts } from './snippet'
import { useCallBack } from './useCallBack'
import { useCalls } from './useCalls'
import { aboutOf, CallBadge, Direction, TestBadge, Who, whoOf } from './words'

/** How the list is ordered unless somebody says otherwise. */
const NEWEST = '-started_at'

export function CallsPage() {
  const t = useT()
  const narrow = useNarrow()
  const org = useOrg()
  const { organization, can } = useHere()
  const navigate = useNavigate()
  const filters = useSearch({ strict: false }) as CallFilters
  const query = useMemo(() => toQuery(filters, organization?.timezone), [filters, organization?.timezone])
  const rows = useCalls(org, query, can('calls.view'))
  const { data: assistants = [] } = useQuery(assistantsQuery(org))
  const { data: desk } = useQuery(deskQuery)
  const [dialog, setDialog] = useState<'place' | 'simulate'>()
  const { calling, start: callBack, end } = useCallBack<CallItem>()
  useEffect(() => setTrail(org, filters), [org, filters])

  const setFilters = (next: CallFilters) => void navigate({ to: '.', search: next as never, replace: true })
  const csv = useMutation({
    mutationFn: async () => {
      const { sort: _, ...conditions } = query
      const blob = await fetchBlob(`/api/organizations/${org}/calls.csv?${new URLSearchParams(conditions)}`)
      saveBlob(blob, `${t('nav.calls')} ${new Date().toISOString().slice(0, 10)}.csv`)
    },
    onError: (error) => failed(problem(error, t)),
  })

  const [selecting, setSelecting] = useState(false)
  const bulk = {
    nameOf: (call: CallItem) => whoOf(call, t),
    selecting,
    actions: (calls: CallItem[], done: () => void) => (
      <CallsBulk
        calls={calls}
        onDone={() => {
          done()
          setSelecting(false)
        }}
      />
    ),
  }
  const names = useMemo(() => new Map(assistants.map((a) => [a.id, a.name])), [assistants])
  useShortcut('n', () => setDialog('place'), can('calls.place'))
  const searching = Boolean(filters.search)
  const may = can('calls.place')
  const columns = useMemo(() => {
    const all = columnsOf(t, names, may ? callBack : undefined)
    // A search has an order of its own.
    return searching ? all.map((column) => ({ ...column, sort: undefined })) : all
  }, [t, names, searching, may, callBack])
  if (!can('calls.view')) return <Forbidden level={1} />
  const simulate = desk?.sandbox && can('calls.place')
  return (
    <Page title={t('nav.calls')} description={narrow ? undefined : t('calls.description')} actions={(
      <>
        <Button
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          loading={csv.isPending}
          onClick={() => csv.mutate()}
        >
          {t('calls.csv')}
        </Button>
        {simulate && <Button variant="default" leftSection={<FlaskConical size={16} aria-hidden />} onClick={() => setDialog('simulate')}>{t('calls.simulate.action')}</Button>}
        {can('calls.place') && <Button leftSection={<PhoneOutgoing size={16} aria-hidden />} onClick={() => setDialog('place')}>{t('calls.place.action')}</Button>}
      </>
    )}>
      <Stack gap="sm">
        <Filters
          filters={filters}
          onChange={setFilters}
          beside={narrow && <SelectRows on={selecting} onChange={setSelecting} />}
        />
        <DataTable<CallItem>
          label={t('nav.calls')} columns={columns} card={(call) => cardOf(call, t, may ? callBack : undefined)} rows={rows}
          order={searching ? undefined : orderOf(filters.sort ?? NEWEST)}
          onOrder={(order) => setFilters({ ...filters, sort: sortOf(order, sorts, NEWEST) })}
          bulk={bulk}
          href={(call) => areaPath(org, `calls/${call.id}`)}
          filtered={countFilters(filters) > 0} onClearFilters={() => setFilters(filters.sort ? { sort: filters.sort } : {})}
          empty={(
            <EmptyState
              icon={PhoneCall} title={t('calls.empty.title')} text={t('calls.empty.text')}
              action={simulate
                ? <Button leftSection={<FlaskConical size={16} aria-hidden />} onClick={() => setDialog('simulate')}>{t('calls.simulate.action')}</Button>
                : can('calls.place') ? <Button leftSection={<PhoneOutgoing size={16} aria-hidden />} onClick={() => setDialog('place')}>{t('calls.place.action')}</Button> : undefined}
              example={<Text size="sm" c="dimmed" ta="center">{t('calls.empty.example')}</Text>}
            />
          )}
        />
      </Stack>
      <Suspense>
        {dialog === 'place' && <PlaceCall onClose={() => setDialog(undefined)} />}
        {dialog === 'simulate' && <Simulate onClose={() => setDialog(undefined)} />}
        {calling && (
          <PlaceCall
            to={calling.to}
            name={calling.call.contact_name}
            by={calling.call.assistant}
            from={calling.call.phone_number}
            onClose={end}
          />
        )}
      </Suspense>
    </Page>
  )
}

type CallBack = (call: CallItem) => void

const columnsOf = (t: T, assistants: Map<string, string>, callBack: CallBack | undefined): Column<CallItem>[] => [
  { id: 'who', header: t('calls.columns.who'), primary: true, cell: (call) => <Who call={call} /> },
  { id: 'about', header: t('calls.columns.about'), cell: (call) => <About call={call} assistant={assistants.get(call.assistant)} /> },
  { id: 'outcome', header: t('calls.columns.outcome'), cell: (call) => <Group gap={4} component="span" className={classes.badges}><CallBadge call={call} />{call.is_test && <TestBadge />}</Group> },
  { id: 'started_at', header: t('calls.columns.when'), sort: 'falling', cell: (call) => <Text span size="sm" className={classes.nowrap}><When value={call.started_at} /></Text> },
  { id: 'duration_seconds', header: t('calls.columns.length'), sort: 'falling', align: 'end', cell: (call) => <Text span size="sm" className={`${classes.nowrap} pl-tabular`}>{spoken(call) || '–'}</Text> },
  ...(callBack
    ? [{
        id: 'actions', header: t('calls.columns.actions'), align: 'end' as const, width: 128,
        cell: (call: CallItem) => (
          <Group gap={0} wrap="nowrap" justify="flex-end"><NameInRow call={call} /><CallActions call={call} onCallBack={callBack} /></Group>
        ),
      }]
    : []),
]

const cardOf = (call: CallItem, t: T, callBack: CallBack | undefined): Card => ({
  name: <><Direction call={call} /> <bdi>{whoOf(call, t)}</bdi></>,
  aside: <When value={call.started_at} short />,
  text: <Words call={call} />,
  whole: !call.summary && !call.snippet,
  badges: <><CallBadge call={call} />{call.is_test && <TestBadge />}</>,
  figure: spoken(call),
  action: callBack && (
    <Group gap={0} wrap="nowrap">
      <NameInRow call={call} size={24} />
      <CallActions call={call} onCallBack={callBack} folded />
    </Group>
  ),
})

/** How long they spoke; '' before they did. */
const spoken = (call: CallItem) => (isLive(call) || !call.answered_at ? '' : duration(call.duration_seconds))

/** Where the search matched, else what the call was about. */
function Words({ call }: { call: CallItem }) {
  const t = useT()
  if (!call.snippet) return aboutOf(call, t)
  return parts(call.snippet).map((part, i) => (part.hit ? <mark key={i} className={classes.hit}>{part.text}</mark> : part.text))
}

/** What it was about, the assistant below. */
function About({ call, assistant }: { call: CallItem; assistant?: string }) {
  return (
    <span className={classes.about}>
      <Text span size="sm" lineClamp={call.summary || call.snippet ? 2 : undefined} className="pl-wrap">
        <Words call={call} />
      </Text>
      {assistant && <Text span size="xs" c="dimmed" display="block">{assistant}</Text>}
    </span>
  )
}
