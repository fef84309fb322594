import { Button, CloseButton, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ListFilter, Search } from 'lucide-react'
import { useEffect, useEffectEvent, useState, type ReactNode } from 'react'
import { DateRange } from '../../components/Days'
import { ListFilters } from '../../components/ListFilters'
import { today } from '../../lib/days'
import { useT } from '../../lib/i18n'
import { useNarrow } from '../../lib/narrow'
import { phone } from '../../lib/phone'
import { useHere, useOrg } from '../../lib/session'
import { useShortcut } from '../../lib/shortcuts'
import classes from './Calls.module.css'
import { assistantsQuery, numbersQuery } from './data'
import {
  countFilters, directions, isNumber, outcomes, priorities, reaches, resolutions, sorts, statuses, type CallFilters,
} from './filters'
import { ReadyViews, Views } from './Views'

// Fast enough to feel immediate, slow enough not to ask for each letter.
const TYPING_MS = 300

/** Search and filters of the list. What is chosen goes into the address at once. */
export function Filters({
  filters,
  onChange,
  beside,
}: {
  filters: CallFilters
  onChange: (filters: CallFilters) => void
  /** What else stands in the line of the search. */
  beside?: ReactNode
}) {
  const t = useT()
  const org = useOrg()
  const { can, organization } = useHere()
  const narrow = useNarrow()
  const { search, sort, ...chosen } = filters
  const { outcome: _o, status: _s, reached: _r, ...hidden } = chosen
  const [open, setOpen] = useState(countFilters(hidden) > 0)
  const { data: assistants = [] } = useQuery(assistantsQuery(org))
  const { data: numbers = [] } = useQuery(numbersQuery(org))
  const set = (change: CallFilters) =>
    onChange(Object.fromEntries(Object.entries({ ...filters, ...change }).filter(([, value]) => value)))
  const kind = (['status', 'reached', 'outcome'] as const).find((name) => filters[name])
  // Answered says it better; what an address or a view holds is still shown.
  const offered = outcomes.filter((outcome) => outcome !== 'completed' || outcome === filters.outcome)
  const became = kind ? `${kind}:${filters[kind]}` : null
  const order = search ? (
    // A search has an order of its own.
    <Text size="sm" c="dimmed" className={classes.order}>
      {t(isNumber(search) ? 'calls.sort.searchNumber' : 'calls.sort.search')}
    </Text>
  ) : (
    <Select
      label={t('calls.filters.sort')}
      allowDeselect={false}
      value={sort ?? '-started_at'}
      data={sorts.filter((one) => one !== '-cost_micros' || can('analytics.view')).map((one) => ({
        value: one,
        label: t(`calls.sort.${one.replace('-', 'down_') as 'started_at'}`),
      }))}
      onChange={(value) => set({ sort: value === '-started_at' ? undefined : (value as CallFilters['sort']) })}
    />
  )
  const more = (
    <>
      <Choice
        label={t('calls.filters.direction')}
        value={filters.call_type}
        onChange={(call_type) => set({ call_type })}
        data={directions.map((value) => ({ value, label: t(`calls.direction.${value}`) }))}
      />
      <Choice
        label={t('calls.filters.caller')}
        value={filters.caller}
        onChange={(caller) => set({ caller })}
        data={[{ value: 'hidden', label: t('calls.unknownCaller') }]}
      />
      <Choice
        label={t('calls.assistant')}
        value={filters.assistant}
        onChange={(assistant) => set({ assistant })}
        data={assistants.map(({ id, name }) => ({ value: id, label: name }))}
        searchable
      />
      <Choice
        label={t('calls.number')}
        value={filters.phone_number}
        onChange={(phone_number) => set({ phone_number })}
        data={numbers.map((n) => ({ value: n.id, label: n.name || phone(n.phone_number) }))}
        searchable
      />
      <Choice
        label={t('calls.priority')}
        value={filters.priority}
        onChange={(priority) => set({ priority })}
        data={priorities.map((value) => ({ value, label: t(`calls.priorities.${value}`) }))}
      />
      <Choice
        label={t('calls.resolution')}
        value={filters.resolution_status}
        onChange={(resolution_status) => set({ resolution_status })}
        data={resolutions.map((value) => ({ value, label: t(`calls.resolutions.${value}`) }))}
      />
      <DateRange
        label={t('dates.period')}
        from={filters.from}
        to={filters.to}
        today={today(organization?.timezone)}
        onChange={({ from, to }) => set({ from, to })}
      />
    </>
  )
  return (
    <Stack gap="xs">
      <ListFilters
        label={t('calls.filters.label')}
        active={countFilters(chosen)}
        onClear={() => onChange({ ...(search && { search }), ...(sort && { sort }) })}
        search={<SearchInput value={search ?? ''} onChange={(typed) => set({ search: typed })} />}
        beside={(
          <>
            {!narrow && (
              <Button
                variant="default"
                leftSection={<ListFilter size={16} aria-hidden />}
                aria-expanded={open}
                onClick={() => setOpen(!open)}
              >
                {countFilters(hidden) > 0
                  ? t('calls.filters.moreSet', { count: countFilters(hidden) })
                  : t('filters.title')}
              </Button>
            )}
            <Views filters={filters} onChange={onChange} />
            {beside}
          </>
        )}
      >
        <Select
          {...{ [narrow ? 'label' : 'aria-label']: t('calls.filters.became') }}
          placeholder={t('calls.filters.anyBecame')}
          clearable
          className={classes.select}
          value={became}
          clearButtonProps={{ 'aria-label': t('calls.filters.clearOne') }}
          data={[
            {
              group: t('calls.filters.now'),
              items: statuses.map((status) => ({
                value: `status:${status}`,
                label: t(`calls.filters.status.${status}`),
              })),
            },
            {
              group: t('calls.filters.reach'),
              items: reaches.map((reached) => ({ value: `reached:${reached}`, label: t(`home.week.${reached}`) })),
            },
            {
              group: t('calls.filters.cameTo'),
              items: offered.map((outcome) => ({
                value: `outcome:${outcome}`,
                label: t(outcome === 'cancelled' ? 'calls.filters.cancelled' : `calls.outcome.${outcome}`),
              })),
            },
          ]}
          onChange={(value) => {
            const [name, word] = (value ?? '').split(':')
            set({ status: '', outcome: '', reached: undefined, ...(name && { [name]: word }) })
          }}
        />
        {narrow && order}
        {narrow && more}
      </ListFilters>
      {open && !narrow && <div className={classes.more}>{more}{order}</div>}
      <ReadyViews filters={filters} onChange={onChange} />
    </Stack>
  )
}

function Choice<V extends string>({ label, value, data, onChange, searchable }: {
  label: string
  value: V | undefined
  data: { value: V; label: string }[]
  onChange: (value: V | undefined) => void
  searchable?: boolean
}) {
  const t = useT()
  return (
    <Select
      label={label}
      placeholder={t('calls.filters.any')}
      clearable
      clearButtonProps={{ 'aria-label': t('calls.filters.clearOne') }}
      searchable={searchable && data.length > 8}
      value={value ?? null}
      data={data}
      onChange={(next) => onChange((next as V | null) ?? undefined)}
    />
  )
}

function SearchInput({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT()
  const [typed, setTyped] = useState(value)
  const [known, setKnown] = useState(value)
  const [input, setInput] = useState<HTMLInputElement | null>(null)
  // Changed from outside (back, "clear filters"): what was typed gives way.
  if (known !== value) {
    setKnown(value)
    setTyped(value)
  }
  const send = (text: string) => {
    setKnown(text)
    onChange(text)
  }
  const sendLater = useEffectEvent(send)
  useEffect(() => {
    if (typed.trim() === known) return
    const timer = setTimeout(() => sendLater(typed.trim()), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed, known])
  useShortcut('/', () => input?.focus())
  return (
    <TextInput
      ref={setInput}
      className={classes.search}
      type="search"
      aria-label={t('calls.filters.search')}
      placeholder={t('calls.filters.searchFor')}
      maxLength={200}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      leftSection={<Search size={16} aria-hidden />}
      rightSection={
        typed ? (
          <CloseButton
            size="sm"
            aria-label={t('calls.filters.clearOne')}
            onClick={() => {
              setTyped('')
              send('')
            }}
          />
        ) : undefined
      }
    />
  )
}
