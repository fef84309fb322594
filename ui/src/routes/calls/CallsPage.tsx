import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, FlaskConical, PhoneCall, PhoneOutgoing } from 'lucide-react'
import { Suspense, lazy, useEffect, useMemo, useState } from 'react'
import { DataTable, type Column } from '../../components/DataTable'
import { Page } from '../../components/Page'
import { EmptyState, Forbidden } from '../../components/States'
import { failed } from '../../components/toast'
import { When } from '../../components/When'
import { fetchBlob, saveBlob } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { duration } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { areaPath, useHere, useOrg } from '../../lib/session'
import classes from './Calls.module.css'
import { assistantsQuery, isLive, type CallItem } from './data'
import { Filters } from './Filters'
import { countFilters, toQuery, type CallFilters } from './filters'
import { setTrail } from './trail'
import { parts } from './snippet'
import { useCalls } from './useCalls'
import { aboutOf, CallBadge, TestBadge, Who } from './words'

const PlaceCall = lazy(() => import('./PlaceCall').then((m) => ({ default: m.PlaceCall })))
const Simulate = lazy(() => import('./Simulate').then((m) => ({ default: m.Simulate })))

export function CallsPage() {
  const t = useT()
  const org = useOrg()
  const { organization, can } = useHere()
  const navigate = useNavigate()
  const filters = useSearch({ strict: false }) as CallFilters
  const query = useMemo(() => toQuery(filters, organization?.timezone), [filters, organization?.timezone])
  const rows = useCalls(org, query, can('calls.view'))
  const { data: assistants = [] } = useQuery(assistantsQuery(org))
  const { data: desk } = useQuery(deskQuery)
  const [dialog, setDialog] = useState<'place' | 'simulate'>()
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

  const names = useMemo(() => new Map(assistants.map((a) => [a.id, a.name])), [assistants])
  const columns = useMemo(() => columnsOf(t, names), [t, names])
  if (!can('calls.view')) return <Forbidden level={1} />
  const simulate = desk?.sandbox && can('calls.place')
  return (
    <Page title={t('nav.calls')} description={t('calls.description')} actions={(
      <>
        {simulate && <Button variant="default" leftSection={<FlaskConical size={16} aria-hidden />} onClick={() => setDialog('simulate')}>{t('calls.simulate.action')}</Button>}
        {can('calls.place') && <Button leftSection={<PhoneOutgoing size={16} aria-hidden />} onClick={() => setDialog('place')}>{t('calls.place.action')}</Button>}
      </>
    )}>
      <Stack gap="sm">
        <Filters filters={filters} onChange={setFilters} extra={(
          <Button variant="subtle" color="gray" leftSection={<Download size={16} aria-hidden />} loading={csv.isPending} onClick={() => csv.mutate()}>{t('calls.csv')}</Button>
        )} />
        <DataTable<CallItem>
          label={t('nav.calls')} columns={columns} rows={rows} href={(call) => areaPath(org, `calls/${call.id}`)}
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
      </Suspense>
    </Page>
  )
}

const columnsOf = (t: T, assistants: Map<string, string>): Column<CallItem>[] => [
  { id: 'who', header: t('calls.columns.who'), primary: true, cell: (call) => <Who call={call} /> },
  { id: 'about', header: t('calls.columns.about'), cell: (call) => <About call={call} assistant={assistants.get(call.assistant)} /> },
  { id: 'outcome', header: t('calls.columns.outcome'), cell: (call) => <Group gap={4} component="span" className={classes.badges}><CallBadge call={call} />{call.is_test && <TestBadge />}</Group> },
  { id: 'when', header: t('calls.columns.when'), cell: (call) => <Text span size="sm" className={classes.nowrap}><When value={call.started_at} /></Text> },
  { id: 'length', header: t('calls.columns.length'), align: 'end', cell: (call) => <Text span size="sm" className={`${classes.nowrap} pl-tabular`}>{isLive(call) || !call.answered_at ? '–' : duration(call.duration_seconds)}</Text> },
]

/** Where the search matched, else what the call was about; the assistant below. */
function About({ call, assistant }: { call: CallItem; assistant?: string }) {
  const t = useT()
  return (
    <span className={classes.about}>
      <Text span size="sm" lineClamp={call.summary || call.snippet ? 2 : undefined} className="pl-wrap">
        {call.snippet ? parts(call.snippet).map((part, i) => (part.hit ? <mark key={i} className={classes.hit}>{part.text}</mark> : part.text)) : aboutOf(call, t)}
      </Text>
      {assistant && <Text span size="xs" c="dimmed" display="block">{assistant}</Text>}
    </span>
  )
}
