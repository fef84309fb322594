import { expect, test } from 'vitest'
import { t } from '../../lib/i18n'
import { actionChoices, actorWords, auditFilter, changesOf, fieldWords, valueWords } from './audit'
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

test('actors, fields and values are in people’s words, actions of the filter too', () => {
  expect(actorWords({ actor_name: 'console', actor_type: 'system' }, t)).toBe('settings.audit.console')
  expect(actorWords({ actor_name: 'Key: Site web', actor_type: 'key' }, t)).toBe('settings.audit.keyNamed')
  expect(actorWords({ actor_name: 'Ada', actor_type: 'user' }, t)).toBe('Ada')
  expect([fieldWords('token_hash', t), fieldWords('odd_name', t)]).toEqual(['settings.audit.fields.token_hash', 'Odd name'])
  expect(['false', '[number]', 'Bonjour'].map((value) => valueWords(value, t)))
    .toEqual(['settings.audit.values.false', 'settings.audit.values.hidden_number', 'Bonjour'])
  expect(actionChoices(t).every(({ value, label }) => label !== value)).toBe(true)
})
