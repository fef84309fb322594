import { Box, Button, Group, Loader, Paper, Skeleton, Stack, Table } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState, type MouseEvent, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { useShortcut } from '../lib/shortcuts'
import classes from './DataTable.module.css'
import { ErrorState, NoMatch, SkeletonAfter200ms } from './States'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  width?: number | string
  align?: 'start' | 'end'
  /** The row's name: it carries the link, and heads the card on narrow screens. One column has it. */
  primary?: boolean
  /** Left out of the cards on narrow screens. */
  wideOnly?: boolean
}

/** The part of useKeyset's answer that the table needs. */
export interface Rows<T> {
  data?: { pages: { items: T[] }[] }
  error: unknown
  isPending: boolean
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => unknown
  refetch: () => unknown
}

const ROW_HEIGHT = 53
const CARD_HEIGHT = 132
// Few rows need no windowing, and plain rows keep the browser's own "find in page".
const WINDOW_ABOVE = 100

/** A click anywhere in a row is a click on its link; selecting text and inner controls stay what they are. */
function open(event: MouseEvent<HTMLElement>): void {
  // React also brings clicks in menus and popovers of a row, which are elsewhere in the document.
  if (!event.currentTarget.contains(event.target as Node)) return
  if (event.defaultPrevented || window.getSelection()?.toString() || (event.target as HTMLElement).closest('a,button,input,label')) return
  const link = event.currentTarget.querySelector<HTMLAnchorElement>('a[data-primary]')
  link?.dispatchEvent(new window.MouseEvent('click', { bubbles: true, cancelable: true, metaKey: event.metaKey, ctrlKey: event.ctrlKey, button: event.button }))
}

/**
 * A list in all its states. Rows load by key, one page at a time. Below 768 px each row is a card. `j`/`k` move, Enter
 * opens. Long lists keep only the rows near the screen in the document.
 */
export function DataTable<T extends { id: string }>({ label, columns, rows, href, filtered, onClearFilters, empty }: {
  label: string
  columns: Column<T>[]
  rows: Rows<T>
  /** Where a row leads. */
  href?: (row: T) => string
  /** Filters are set: an empty result is then "no match", not "empty". */
  filtered: boolean
  onClearFilters?: () => void
  empty: ReactNode
}) {
  const t = useT()
  const narrow = useMediaQuery('(max-width: 47.99em)', undefined, { getInitialValueInEffect: false }) ?? false
  const items = useMemo(() => rows.data?.pages.flatMap((page) => page.items) ?? [], [rows.data])
  const root = useRef<HTMLDivElement>(null)
  // The row j/k stand on, by its id: rows come and go above it.
  const [current, setCurrent] = useState('')
  const moved = useRef(false)
  const windowed = items.length > WINDOW_ABOVE
  // oxlint-disable-next-line react/incompatible-library -- the compiler that this rule warns about is not in use
  const virtual = useWindowVirtualizer({
    count: windowed ? items.length : 0,
    estimateSize: () => (narrow ? CARD_HEIGHT : ROW_HEIGHT),
    overscan: 12,
    scrollMargin: root.current?.offsetTop ?? 0,
    getItemKey: (index) => items[index]?.id ?? index,
  })

  // A row that j/k scrolled to may not be in the document yet: focus follows once it is. Only j/k move the focus: rows
  // that load anew must not take it from a search being typed.
  useEffect(() => {
    if (!moved.current) return
    const link = root.current?.querySelector<HTMLElement>(`[data-row="${current}"] a[data-primary]`)
    if (!link) return
    moved.current = false
    link.focus()
  })
  const move = (step: number) => {
    if (items.length === 0) return
    const next = Math.min(items.length - 1, Math.max(0, items.findIndex((item) => item.id === current) + step))
    if (windowed) virtual.scrollToIndex(next, { align: 'auto' })
    moved.current = true
    setCurrent(items[next]!.id)
  }
  useShortcut('j', () => move(1), href !== undefined)
  useShortcut('k', () => move(-1), href !== undefined)

  if (rows.isPending) return <Loading narrow={narrow} columns={columns.length} />
  if (rows.error && items.length === 0) return <Paper withBorder><ErrorState error={rows.error} onRetry={rows.refetch} /></Paper>
  if (items.length === 0) return <Paper withBorder>{filtered ? <NoMatch onClear={onClearFilters} /> : empty}</Paper>

  const shown = windowed ? virtual.getVirtualItems().map((v) => ({ row: items[v.index]!, index: v.index })) : items.map((row, index) => ({ row, index }))
  const visible = windowed ? virtual.getVirtualItems() : []
  const before = visible.length > 0 ? visible[0]!.start - virtual.options.scrollMargin : 0
  const behind = visible.length > 0 ? virtual.getTotalSize() - (visible.at(-1)!.end - virtual.options.scrollMargin) : 0
  const measure = windowed ? virtual.measureElement : undefined
  const primary = (column: Column<T>, row: T) =>
    href ? <Link to={href(row)} className={classes.link} data-primary>{column.cell(row)}</Link> : column.cell(row)

  return (
    <Stack gap="sm" ref={root}>
      {narrow ? (
        <ul className={classes.cards} aria-label={label}>
          {before > 0 && <li aria-hidden style={{ height: before }} />}
          {shown.map(({ row, index }) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- the link inside takes the keys
            <li key={row.id} ref={measure} data-index={index} data-row={row.id} className={classes.card} data-link={href ? true : undefined} onClick={href && open} onFocus={() => setCurrent(row.id)}>
              {columns.filter((c) => c.primary).map((c) => <Box key={c.id} fw={600}>{primary(c, row)}</Box>)}
              <dl className={classes.facts}>
                {columns.filter((c) => !c.primary && !c.wideOnly).map((c) => (
                  <div key={c.id}><dt>{c.header}</dt><dd>{c.cell(row)}</dd></div>
                ))}
              </dl>
            </li>
          ))}
          {behind > 0 && <li aria-hidden style={{ height: behind }} />}
        </ul>
      ) : (
        <Paper withBorder className={classes.frame}>
          <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover={href !== undefined} aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((c) => <Table.Th key={c.id} w={c.width} ta={c.align} className={classes.head} scope="col">{c.header}</Table.Th>)}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {before > 0 && <tr aria-hidden style={{ height: before }} />}
              {shown.map(({ row, index }) => (
                <Table.Tr key={row.id} ref={measure} data-index={index} data-row={row.id} className={href && classes.row} onClick={href && open} onFocus={() => setCurrent(row.id)}>
                  {columns.map((c) => <Table.Td key={c.id} ta={c.align}>{c.primary ? primary(c, row) : c.cell(row)}</Table.Td>)}
                </Table.Tr>
              ))}
              {behind > 0 && <tr aria-hidden style={{ height: behind }} />}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {rows.error ? <ErrorState error={rows.error} onRetry={rows.refetch} /> : null}
      {rows.hasNextPage && (
        <Group justify="center">
          <Button variant="default" onClick={() => rows.fetchNextPage()} loading={rows.isFetchingNextPage} loaderProps={{ children: <Loader size={16} /> }}>
            {t('states.more')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function Loading({ narrow, columns }: { narrow: boolean; columns: number }) {
  return (
    <SkeletonAfter200ms>
      <Paper withBorder p="md">
        <Stack gap="lg">
          {Array.from({ length: 8 }, (_, row) => (
            <Group key={row} wrap="nowrap" gap="xl">
              {Array.from({ length: narrow ? 1 : columns }, (_, column) => <Skeleton key={column} h={narrow ? 64 : 16} style={{ flex: column === 0 ? 2 : 1 }} />)}
            </Group>
          ))}
        </Stack>
      </Paper>
    </SkeletonAfter200ms>
  )
}
