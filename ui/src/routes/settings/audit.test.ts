import { expect, test } from 'vitest'
import { auditFilter, changesOf } from './audit'
import { readAuditSearch } from './routes'

test('changes show what was and what is', () => {
  expect(changesOf({ name: { before: 'A', after: 'B' }, flags: { before: null, after: { a: true } }, rows: 3 })).toEqual([
    { field: 'name', before: 'A', after: 'B' },
    { field: 'flags', before: '', after: '{\n  "a": true\n}' },
    { field: 'rows', before: '', after: '3' },
  ])
  expect([changesOf(null), changesOf('text'), changesOf([1])]).toEqual([[], [], []])
})

test('filters are quoted and dates are whole days', () => {
  expect(auditFilter({ who: "O'Hara" })).toBe(`user = "O'Hara"`)
  expect(auditFilter({ who: 'key', action: 'auth.%' })).toBe(`actor_type = "key" && action ~ "auth.%"`)
  expect(auditFilter({ from: '2026-11-01', to: '2026-11-02' })).toBe(`created >= "2026-11-01 00:00:00.000Z" && created <= "2026-11-02 23:59:59.999Z"`)
  expect(readAuditSearch({ from: 'soon', who: 5, action: '', other: 'x' })).toEqual({ who: '5' })
})
