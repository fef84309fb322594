import { MantineProvider } from '@mantine/core'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { cleanup, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { Phone } from 'lucide-react'
import { ClientResponseError } from 'pocketbase'
import { useState, type ReactNode } from 'react'
import { beforeEach, expect, test, vi } from 'vitest'
import { I18nProvider } from '../lib/i18n'
import { DataTable, type Rows } from './DataTable'
import type { Order } from '../lib/order'
import { EmptyState } from './States'

interface Call {
  id: string
  name: string
  minutes: number
}

const calls: Call[] = [{ id: 'a', name: 'Ada', minutes: 3 }, { id: 'b', name: 'Bob', minutes: 4 }]
const rows = (change: Partial<Rows<Call>> = {}): Rows<Call> => ({
  data: { pages: [{ items: calls }] },
  error: null,
  isPending: false,
  hasNextPage: false,
  isFetchingNextPage: false,
  fetchNextPage: vi.fn(),
  refetch: vi.fn(),
  ...change,
})

async function show(table: (state: Rows<Call>) => ReactNode, state: Rows<Call>) {
  const root = createRootRoute({ component: () => table(state), notFoundComponent: () => table(state) })
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: ['/'] }) })
  render(<MantineProvider><I18nProvider><RouterProvider router={router as never} /></I18nProvider></MantineProvider>)
  await vi.waitFor(() => expect(document.querySelector('#never, [class*=mantine]')).not.toBeNull())
  return router
}

let wide = true
const onClear = vi.fn()
const table = (filtered: boolean) => (state: Rows<Call>) => (
  <DataTable<Call>
    label="Calls"
    rows={state}
    filtered={filtered}
    onClearFilters={onClear}
    href={(row) => `/calls/${row.id}`}
    columns={[
      { id: 'name', header: 'Caller', primary: true, cell: (row) => row.name },
      { id: 'minutes', header: 'Minutes', cell: (row) => row.minutes },
    ]}
    card={(row) => ({ name: row.name, figure: row.minutes })}
    empty={<EmptyState icon={Phone} title="No calls yet" text="They will be here." />}
  />
)

beforeEach(() => {
  wide = true
  vi.spyOn(window, 'matchMedia').mockImplementation(
    (query) =>
      ({
        matches: !wide && query.includes('max-width'),
        addEventListener() {},
        removeEventListener() {},
        addListener() {},
        removeListener() {},
      }) as unknown as MediaQueryList,
  )
})

test.each([true, false])('a name has a direction of its own, in rows and in cards', async (onDesk) => {
  wide = onDesk
  await show(table(false), rows())
  expect((await screen.findByText('Ada')).tagName).toBe('BDI')
})

test('rows are a table with links, and j, k move between them', async () => {
  const user = userEvent.setup()
  const router = await show(table(false), rows())
  expect((await screen.findAllByRole('columnheader')).map((h) => h.textContent)).toEqual(['Caller', 'Minutes'])
  await user.keyboard('j')
  expect(document.activeElement?.textContent).toBe('Ada')
  await user.keyboard('jj')
  expect(document.activeElement?.textContent).toBe('Bob')
  await user.keyboard('k')
  expect(document.activeElement?.textContent).toBe('Ada')
  await user.click(screen.getByText('4'))
  await vi.waitFor(() => expect(router.state.location.pathname).toBe('/calls/b'))
})

// The focus is where somebody types; j at the last row moved nothing and took the focus at the next letter.
test('a key at either end of the list moves nothing, also later', async () => {
  const user = userEvent.setup()
  function Searched() {
    const [typed, setTyped] = useState('')
    return (
      <>
        <input value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
        {table(typed !== '')(rows())}
      </>
    )
  }
  await show(() => <Searched />, rows())
  await screen.findByText('Ada')
  await user.keyboard('jjjj')
  expect(document.activeElement?.textContent).toBe('Bob')
  await user.type(screen.getByRole('textbox'), 'words')
  expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('words')
  expect(document.activeElement).toBe(screen.getByRole('textbox'))
})

const press = async () => userEvent.click(await screen.findByRole('button', { name: 'Minutes' }))
const names = () => screen.getAllByRole('row').slice(1).map((row) => row.textContent)
const ordered = (onOrder: (order: Order | undefined) => void, order?: Order) => (
  <DataTable<Call>
    label="Calls"
    rows={rows()}
    filtered={false}
    order={order}
    onOrder={onOrder}
    columns={[
      { id: 'name', header: 'Caller', primary: true, cell: (row) => row.name, value: (row) => row.name },
      { id: 'minutes', header: 'Minutes', cell: (row) => row.minutes, sort: 'falling', value: (row) => row.minutes },
    ]}
    card={(row) => ({ name: row.name })}
    empty={null}
  />
)

test('a head orders: its own way, the other way, and then no more', async () => {
  const asked: (Order | undefined)[] = []
  function Ordered() {
    const [order, setOrder] = useState<Order>()
    return ordered((next) => {
      asked.push(next)
      setOrder(next)
    }, order)
  }
  await show(() => <Ordered />, rows())
  await press()
  expect(names()).toEqual(['Bob4', 'Ada3'])
  expect(screen.getByRole('columnheader', { name: 'Minutes' }).getAttribute('aria-sort')).toBe('descending')
  await press()
  expect(names()).toEqual(['Ada3', 'Bob4'])
  await press()
  expect(asked).toEqual([{ by: 'minutes', descending: true }, { by: 'minutes', descending: false }, undefined])
  expect(screen.queryByRole('button', { name: 'Caller' })).toBeNull()
})

const bulk = (act: (names: string[]) => void, selecting?: boolean) => ({
  nameOf: (row: Call) => row.name,
  selecting,
  actions: (picked: Call[], done: () => void) => (
    <button
      onClick={() => {
        act(picked.map((row) => row.name))
        done()
      }}
    >
      Act
    </button>
  ),
})
const bulky = (act: (names: string[]) => void, selecting?: boolean) => (
  <DataTable<Call>
    label="Calls"
    rows={rows()}
    filtered={false}
    bulk={bulk(act, selecting)}
    columns={[{ id: 'name', header: 'Caller', primary: true, cell: (row) => row.name }]}
    card={(row) => ({ name: row.name })}
    empty={null}
  />
)

test('rows are selected one by one or all, and what is done takes the selection off', async () => {
  const act = vi.fn()
  await show(() => bulky(act), rows())
  await userEvent.click(await screen.findByRole('checkbox', { name: 'Select Bob' }))
  expect(screen.getByRole('region', { name: 'What is selected' }).textContent).toContain('1 selected')
  await userEvent.click(screen.getByRole('button', { name: 'Act' }))
  expect(screen.queryByRole('region')).toBeNull()
  await userEvent.click(screen.getByRole('checkbox', { name: 'Select all' }))
  await userEvent.click(screen.getByRole('button', { name: 'Act' }))
  expect(act.mock.calls).toEqual([[['Bob']], [['Ada', 'Bob']]])
})

test('on a phone rows are selected when somebody wants to', async () => {
  wide = false
  const act = vi.fn()
  await show(() => bulky(act), rows())
  await screen.findByText('Ada')
  expect(screen.queryByRole('checkbox')).toBeNull()
  cleanup()
  await show(() => bulky(act, true), rows())
  await userEvent.click(await screen.findByRole('checkbox', { name: 'Select all' }))
  await userEvent.click(screen.getByRole('button', { name: 'Act' }))
  expect(act.mock.calls).toEqual([[['Ada', 'Bob']]])
})

test('narrow screens get cards, not a table', async () => {
  wide = false
  await show(table(false), rows())
  expect((await screen.findAllByRole('listitem')).map((item) => item.textContent)).toEqual([
    'Ada3',
    'Bob4',
  ])
  expect(screen.queryByRole('table')).toBeNull()
})

test('empty and filtered to nothing are two different states', async () => {
  const none = rows({ data: { pages: [{ items: [] }] } })
  await show(table(false), none)
  expect(await screen.findByText('No calls yet')).toBeTruthy()
  await show(table(true), none)
  await userEvent.click(await screen.findByRole('button', { name: 'Clear filters' }))
  expect(onClear).toHaveBeenCalledTimes(1)
})

test('a failed first load offers to try again; a failed refresh keeps the rows', async () => {
  const error = new ClientResponseError({ url: '/x', status: 500 })
  const first = rows({ data: undefined, error })
  await show(table(false), first)
  await userEvent.click(await screen.findByRole('button', { name: 'Try again' }))
  expect(first.refetch).toHaveBeenCalledTimes(1)
  await show(table(false), rows({ error }))
  expect(await screen.findByText('Ada')).toBeTruthy()
})

test('what a role may not see says so and offers no retry', async () => {
  await show(table(false), rows({ data: undefined, error: new ClientResponseError({ url: '/x', status: 403 }) }))
  expect(await screen.findByText('Not for your role')).toBeTruthy()
  expect(screen.queryByRole('button')).toBeNull()
})

test('more rows are asked for by a button', async () => {
  const state = rows({ hasNextPage: true })
  await show(table(false), state)
  await userEvent.click(await screen.findByRole('button', { name: 'Load more' }))
  expect(state.fetchNextPage).toHaveBeenCalledTimes(1)
})
