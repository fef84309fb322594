import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { renderHook, waitFor } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { safeNext } from '../routes/auth/next'
import { after, like, PAGE_SIZE, useKeyset } from './list'
import { pb } from './pb'

test('the next page starts after the last row, ids breaking ties', () => {
  const row = { id: 'abc', started_at: '2026-01-02 03:04:05.000Z' }
  expect(after(row, 'started_at', true)).toBe(
    '(started_at < "2026-01-02 03:04:05.000Z" || (started_at = "2026-01-02 03:04:05.000Z" && id < "abc"))',
  )
  expect(after({ id: 'z', name: 'a "b"' }, 'name', false)).toBe(
    '(name > "a \\"b\\"" || (name = "a \\"b\\"" && id > "z"))',
  )
})

test('each word is looked for by itself, whatever accents it has there', () => {
  expect(like(['salon', 'max'], ['name', 'description'])).toBe(
    '(name ~ "%_____%" || description ~ "%_____%") && (name ~ "%m_x%" || description ~ "%m_x%")',
  )
  expect(like(['"%\\'], ['name'])).toBe('(name ~ "%___%")')
  expect(like(Array.from({ length: 300 }, () => 'x'), ['name']).split(' && ')).toHaveLength(20)
})

test('a page without a row that holds the words gives way to the next', async () => {
  const rows = Array.from({ length: PAGE_SIZE + 1 }, (_, i) => ({ id: `r${i}`, name: 'Réseption' }))
  const pages = [
    rows,
    [
      { id: 's0', name: 'Mélanie, RÉCEPTION' },
      { id: 's1', name: 'Réseption Mélanie' },
    ],
  ]
  const getList = vi
    .spyOn(pb.collection('assistants'), 'getList')
    .mockImplementation(async () => ({ items: pages.shift() ?? [] }) as never)
  const { result } = renderHook(
    () =>
      useKeyset<{ id: string; name: string }>({
        organization: 'o1',
        collection: 'assistants',
        fields: 'status',
        sort: 'name',
        descending: false,
        search: { typed: 'reception melanie', fields: ['name'] },
      }),
    { wrapper: ({ children }) => <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider> },
  )
  await waitFor(() =>
    expect(result.current.data?.pages.flatMap((page) => page.items.map((row) => row.id))).toEqual(['s0']),
  )
  expect(result.current.hasNextPage).toBe(false)
  expect(getList.mock.calls.map(([, , options]) => options?.filter)).toEqual([
    `organization = "o1" && ${like(['reception', 'melanie'], ['name'])}`,
    expect.stringContaining('id > "r49"'),
  ])
  expect(getList.mock.calls[0]![2]?.fields).toContain('name')
})

test('after sign-in only paths of this dashboard are followed', () => {
  for (const good of ['/', '/o/abc/calls?x=1', '/me']) expect(safeNext(good)).toBe(good)
  for (const bad of [
    '//evil.test',
    '/\\evil.test',
    'https://evil.test',
    'javascript:alert(1)',
    '/a\\b',
    '/\t/evil.test',
    '',
    7,
    undefined,
  ])
    expect(safeNext(bad)).toBeUndefined()
})
