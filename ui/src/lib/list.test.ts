import { expect, test } from 'vitest'
import { safeNext } from '../routes/auth/next'
import { after } from './list'

test('the next page starts after the last row, ids breaking ties', () => {
  const row = { id: 'abc', started_at: '2026-01-02 03:04:05.000Z' }
  expect(after(row, 'started_at', true)).toBe('(started_at < "2026-01-02 03:04:05.000Z" || (started_at = "2026-01-02 03:04:05.000Z" && id < "abc"))')
  expect(after({ id: 'z', name: 'a "b"' }, 'name', false)).toBe('(name > "a \\"b\\"" || (name = "a \\"b\\"" && id > "z"))')
})

test('after sign-in only paths of this dashboard are followed', () => {
  for (const good of ['/', '/o/abc/calls?x=1', '/me']) expect(safeNext(good)).toBe(good)
  for (const bad of ['//evil.test', '/\\evil.test', 'https://evil.test', 'javascript:alert(1)', '/a\\b', '/\t/evil.test', '', 7, undefined]) expect(safeNext(bad)).toBeUndefined()
})
