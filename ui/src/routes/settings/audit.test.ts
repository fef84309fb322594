import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { needWords, t } from '../../lib/i18n'
import { logged } from '../../lib/rules.gen'
import people from '../../locales/people/en.json'
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
  // A day is the organization's, as in the list and in the file; Paris goes back an hour on the 25th.
  expect(auditFilter({ from: '2026-10-25', to: '2026-10-25' }, 'Europe/Paris'))
    .toBe(`created >= "2026-10-24 22:00:00.000Z" && created < "2026-10-25 23:00:00.000Z"`)
  expect(readAuditSearch({ from: 'soon', who: 5, action: '', other: 'x' })).toEqual({ who: '5' })
})

test('actors, fields and values are in people’s words, actions of the filter too', () => {
  expect(actorWords({ actor_name: 'console', actor_type: 'system' }, t)).toBe('settings.audit.console')
  expect(actorWords({ actor_name: 'Key: Site web', actor_type: 'key' }, t)).toBe('settings.audit.keyNamed')
  expect(actorWords({ actor_name: 'Ada', actor_type: 'user' }, t)).toBe('Ada')
  expect(fieldWords('odd_name', t)).toBe('Odd name')
  expect(['false', '[number]', 'Bonjour'].map((value) => valueWords(value, t)))
    .toEqual(['false', 'settings.audit.values.hidden_number', 'Bonjour'])
  expect(actionChoices(t).every(({ value, label }) => label !== value)).toBe(true)
})

const pascal = (name: string) => name.replace(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase())
const say = (field: string, value: string) => valueWords(value, t, field)

test('every column of what the log follows has a name for people', () => {
  const generated = fs.readFileSync(path.join(import.meta.dirname, '../../lib/pb-types.gen.ts'), 'utf8')
  for (const collection of logged) {
    const record = new RegExp(`interface ${pascal(collection)}Record \\{([^}]*)\\}`).exec(generated)![1]!
    const columns = [...record.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name!)
    expect(columns.length).toBeGreaterThan(5)
    for (const column of columns.filter((name) => !['id', 'collectionId', 'collectionName'].includes(name)))
      expect(people.settings.audit.fields, collection).toHaveProperty(column)
  }
})

test('values are words, moments and numbers of people', async () => {
  await needWords('people')
  expect([
    say('role', 'manager'), say('industry', 'law'), say('industry', 'Bakery'), say('language', 'fr'), say('timezone', 'Europe/Paris'),
    say('theme', 'dark'), say('allowed_auth_methods', '["password", "otp"]'), say('caller_number', '+14155550100'),
  ]).toEqual(['Manager', 'Law office', 'Bakery', 'French', 'Paris time', 'Dark', 'Password, Code by mail', '+1\u00a0415\u00a0555\u00a00100'])
  expect(say('sent_at', '2026-10-01 09:00:00.000Z')).toMatch(/^Oct 1, 2026/)
})

test('every action that has words is offered by the filter', () => {
  const offered = actionChoices(t).map(({ value }) => value.replace('.', '_'))
  expect(Object.keys(people.settings.audit.actions).filter((name) => !offered.includes(name))).toEqual([])
})
