import { Button, Checkbox, Group, Loader, Paper, Skeleton, Stack, Table, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import {
  functionalUpdate, getCoreRowModel, getSortedRowModel, useReactTable, type Header, type Row as TableRow,
  type RowSelectionState,
} from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, type MouseEvent, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { useNarrow } from '../lib/narrow'
import type { Order } from '../lib/order'
import { useShortcut } from '../lib/shortcuts'
import { BulkBar } from './BulkBar'
import classes from './DataTable.module.css'
import { ErrorState, NoMatch, SkeletonAfter200ms } from './States'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  width?: number | string
  align?: 'start' | 'end'
  /** The row's name: it carries the link. One column has it. */
  primary?: boolean
  /** Its head orders the list; which way at the first press. */
  sort?: 'rising' | 'falling' | undefined
  /** What it orders by where all rows are here. Without it the server orders. */
  value?: (row: T) => string | number
}

/** What can be done with several rows at once. */
export interface Bulk<T> {
  nameOf: (row: T) => string
  /** The buttons for the selected rows; `done` takes the selection off. */
  actions: (rows: T[], done: () => void) => ReactNode
  /** On a phone, whether rows are being selected: a wide screen always offers it. */
  selecting?: boolean
}

/** A row on a phone: at most three lines, without the columns' names. */
export interface Card {
  /** Carries the link. */
  name: ReactNode
  /** The name is a sentence of ours: it takes the lines it needs. */
  told?: boolean
  /** At the end of the first line, such as when it was. */
  aside?: ReactNode
  /** One sentence, or what there is of it in one line. */
  text?: ReactNode
  /** The sentence is ours: it takes the lines it needs. */
  whole?: boolean
  /** States in words. */
  badges?: ReactNode
  /** At the end of the last line, such as how much of it. */
  figure?: ReactNode
  /** What can be done with the row: a button or a menu. */
  action?: ReactNode
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
const CARD_HEIGHT = 81
// Few rows need no windowing, and plain rows keep the browser's own "find in page".
const WINDOW_ABOVE = 60

/** A click anywhere in a row is a click on its link; selecting text and inner controls stay what they are. */
function open(event: MouseEvent<HTMLElement>): void {
  // React also brings clicks in menus and popovers of a row, which are elsewhere in the document.
  if (!event.currentTarget.contains(event.target as Node)) return
  if (
    event.defaultPrevented ||
    window.getSelection()?.toString() ||
    (event.target as HTMLElement).closest('a,button,input,label')
  )
    return
  const link = event.currentTarget.querySelector<HTMLAnchorElement>('a[data-primary]')
  link?.dispatchEvent(
    new window.MouseEvent('click', {
      bubbles: true,
      cancelable: true,
      metaKey: event.metaKey,
      ctrlKey: event.ctrlKey,
      button: event.button,
    }),
  )
}

/**
 * A list in all its states. Rows load by key, one page at a time. Below 768 px each row is its card. `j`/`k` move, Enter
 * opens. Long lists keep only the rows near the screen in the document. Order and selection are TanStack Table's.
 */
export function DataTable<T extends { id: string }>({ label, columns, card, rows, order, onOrder, bulk, href, filtered, onClearFilters, empty }: {
  label: string
  columns: Column<T>[]
  card: (row: T) => Card
  rows: Rows<T>
  order?: Order | undefined
  /** What the press of a head asks for; undefined is the list's own order. */
  onOrder?: (order: Order | undefined) => void
  bulk?: Bulk<T> | undefined
  /** Where a row leads. */
  href?: (row: T) => string
  /** Filters are set: an empty result is then "no match", not "empty". */
  filtered: boolean
  onClearFilters?: () => void
  empty: ReactNode
}) {
  const t = useT()
  const narrow = useNarrow()
  const loaded = useMemo(() => rows.data?.pages.flatMap((page) => page.items) ?? [], [rows.data])
  const [selected, setSelected] = useState<RowSelectionState>({})
  const sorting = useMemo(() => (order ? [{ id: order.by, desc: order.descending }] : []), [order])
  // oxlint-disable-next-line react/incompatible-library -- the compiler that this rule warns about is not in use
  const table = useReactTable({
    data: loaded,
    columns: useMemo(() => columns.map((c) => ({
      id: c.id, header: c.header, meta: c, accessorFn: c.value ?? (() => ''), enableSorting: c.sort !== undefined,
      sortDescFirst: c.sort === 'falling',
    })), [columns]),
    getRowId: (row) => row.id,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    manualSorting: !columns.some((c) => c.value),
    state: { sorting, rowSelection: selected },
    onRowSelectionChange: setSelected,
    onSortingChange: (update) => {
      const [next] = functionalUpdate(update, sorting)
      onOrder?.(next && { by: next.id, descending: next.desc })
    },
  })
  const sorted = table.getRowModel().rows
  const items = useMemo(() => sorted.map((row) => row.original), [sorted])
  const picked = table.getSelectedRowModel().flatRows.map((row) => row.original)
  const picking = bulk !== undefined && (!narrow || bulk.selecting === true)
  const root = useRef<HTMLDivElement>(null)
  // The row j/k stand on, by its id: rows come and go above it.
  const [current, setCurrent] = useState('')
  const moved = useRef(false)
  const windowed = items.length > WINDOW_ABOVE
  // oxlint-disable-next-line react/incompatible-library -- the compiler that this rule warns about is not in use
  const virtual = useWindowVirtualizer({
    count: windowed ? items.length : 0,
    estimateSize: () => (narrow ? CARD_HEIGHT : ROW_HEIGHT),
    overscan: 8,
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
    const at = items.findIndex((item) => item.id === current)
    const next = Math.min(items.length - 1, Math.max(0, at + step))
    // At either end nothing moves, and what gets the focus later keeps it.
    if (next === at) return
    if (windowed) virtual.scrollToIndex(next, { align: 'auto' })
    moved.current = true
    setCurrent(items[next]!.id)
  }
  useShortcut('j', () => move(1), href !== undefined)
  useShortcut('k', () => move(-1), href !== undefined)

  if (rows.isPending) return <Loading narrow={narrow} columns={columns.length} />
  if (rows.error && items.length === 0)
    return (
      <Paper withBorder>
        <ErrorState error={rows.error} onRetry={rows.refetch} />
      </Paper>
    )
  if (items.length === 0) return <Paper withBorder>{filtered ? <NoMatch onClear={onClearFilters} /> : empty}</Paper>

  const shown = windowed
    ? virtual.getVirtualItems().map((v) => ({ at: sorted[v.index]!, row: items[v.index]!, index: v.index }))
    : items.map((row, index) => ({ at: sorted[index]!, row, index }))
  const visible = windowed ? virtual.getVirtualItems() : []
  const before = visible.length > 0 ? visible[0]!.start - virtual.options.scrollMargin : 0
  const behind = visible.length > 0 ? virtual.getTotalSize() - (visible.at(-1)!.end - virtual.options.scrollMargin) : 0
  const measure = windowed ? virtual.measureElement : undefined
  const pick = (at: TableRow<T>) => (
    <Checkbox
      aria-label={t('list.selectOne', { name: bulk!.nameOf(at.original) })}
      checked={at.getIsSelected()}
      onChange={at.getToggleSelectedHandler()}
    />
  )
  const pickAll = (words?: string) => (
    <Checkbox
      label={words}
      aria-label={t('list.selectAll')}
      checked={table.getIsAllRowsSelected()}
      indeterminate={table.getIsSomeRowsSelected()}
      onChange={table.getToggleAllRowsSelectedHandler()}
    />
  )
  const primary = (name: ReactNode, row: T) =>
    href ? (
      <Link to={href(row)} className={classes.link} data-primary>
        {isolated(name)}
      </Link>
    ) : (
      isolated(name)
    )

  return (
    <Stack gap="sm" ref={root}>
      {narrow ? (
        <ul className={classes.cards} aria-label={label}>
          {before > 0 && <li aria-hidden style={{ height: before }} />}
          {shown.map(({ at, row, index }) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- the link inside takes the keys
            <li
              key={row.id}
              ref={measure}
              data-index={index}
              data-row={row.id}
              className={classes.card}
              data-link={href ? true : undefined}
              onClick={href && open}
              onFocus={() => setCurrent(row.id)}
            >
              <Lines card={card(row)} name={(name) => primary(name, row)} pick={picking && pick(at)} />
            </li>
          ))}
          {behind > 0 && <li aria-hidden style={{ height: behind }} />}
        </ul>
      ) : (
        <Paper withBorder className={classes.frame}>
          <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover={href !== undefined} aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {picking && <Table.Th w={44} scope="col">{pickAll()}<VisuallyHidden>{t('list.select')}</VisuallyHidden></Table.Th>}
                {table.getFlatHeaders().map((header) => <Head key={header.id} header={header} />)}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {before > 0 && <tr aria-hidden style={{ height: before }} />}
              {shown.map(({ at, row, index }) => (
                <Table.Tr
                  key={row.id}
                  ref={measure}
                  data-index={index}
                  data-row={row.id}
                  className={href && classes.row}
                  onClick={href && open}
                  onFocus={() => setCurrent(row.id)}
                >
                  {picking && <Table.Td>{pick(at)}</Table.Td>}
                  {columns.map((c) => (
                    <Table.Td key={c.id} ta={c.align}>
                      {c.primary ? primary(c.cell(row), row) : isolated(c.cell(row))}
                    </Table.Td>
                  ))}
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
          <Button
            variant="default"
            onClick={() => rows.fetchNextPage()}
            loading={rows.isFetchingNextPage}
            loaderProps={{ children: <Loader size={16} /> }}
          >
            {t('states.more')}
          </Button>
        </Group>
      )}
      {picking && (picked.length > 0 || narrow) && (
        <BulkBar count={picked.length} all={narrow && pickAll(t('list.selectAll'))} onClear={() => setSelected({})}>
          {picked.length > 0 && bulk.actions(picked, () => setSelected({}))}
        </BulkBar>
      )}
    </Stack>
  )
}

/** A column's name; where the list can be ordered by it, the button that does. */
function Head<T>({ header: { column } }: { header: Header<T, unknown> }) {
  const { header, width, align } = column.columnDef.meta as Column<T>
  const sorted = column.getIsSorted()
  const Icon = sorted === 'desc' ? ArrowDown : ArrowUp
  return (
    <Table.Th
      w={width}
      ta={align}
      className={classes.head}
      scope="col"
      aria-sort={column.getCanSort() ? (sorted ? (sorted === 'desc' ? 'descending' : 'ascending') : 'none') : undefined}
    >
      {column.getCanSort() ? (
        <UnstyledButton
          className={classes.sort}
          data-sorted={sorted || undefined}
          onClick={column.getToggleSortingHandler()}
        >
          {header}
          <Icon size={13} aria-hidden />
        </UnstyledButton>
      ) : (
        header
      )}
    </Table.Th>
  )
}

/** What people typed, such as a name, may run from right to left. */
const isolated = (content: ReactNode) => (typeof content === 'string' ? <bdi>{content}</bdi> : content)

function Lines({ card, name, pick }: {
  card: Card
  name: (name: ReactNode) => ReactNode
  /** While rows are selected, in place of what else can be done with the row. */
  pick: ReactNode
}) {
  return (
    <>
      <div className={classes.first}>
        <div className={classes.name} data-whole={card.told || undefined}>{name(card.name)}</div>
        {card.aside && <div className={classes.aside}>{card.aside}</div>}
        {pick || card.action}
      </div>
      {card.text && <div className={classes.text} data-whole={card.whole || undefined}>{isolated(card.text)}</div>}
      {(card.badges || card.figure) && (
        <div className={classes.last}>
          <div className={classes.badges}>{card.badges}</div>
          {card.figure && <div className={classes.aside}>{card.figure}</div>}
        </div>
      )}
    </>
  )
}

function Loading({ narrow, columns }: { narrow: boolean; columns: number }) {
  return (
    <SkeletonAfter200ms>
      <Paper withBorder p="md">
        <Stack gap="lg">
          {Array.from({ length: 8 }, (_, row) => (
            <Group key={row} wrap="nowrap" gap="xl">
              {Array.from({ length: narrow ? 1 : columns }, (_, column) => (
                <Skeleton key={column} h={narrow ? 64 : 16} style={{ flex: column === 0 ? 2 : 1 }} />
              ))}
            </Group>
          ))}
        </Stack>
      </Paper>
    </SkeletonAfter200ms>
  )
}
