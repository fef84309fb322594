import { describe, expect, test } from 'vitest'
import { browserCountry, clock, dateTime, duration, money, parseDate, when, zoneChoices, zoneName } from './format'
import { setLanguage } from './i18n'

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')

describe('money', () => {
  test.each([
    [12345, 'EUR', 'en', '€123.45'],
    [12345, 'eur', 'fr', '123,45 €'],
    [12345, 'XOF', 'fr', '12 345 F CFA'],
    [-5, 'USD', 'en', '-$0.05'],
    [1000, 'KWD', 'en', 'KWD 1.000'],
    [1000, 'not-a-currency', 'en', '10.00 NOT-A-CURRENCY'],
  ])('%i %s in %s', async (minor, currency, language, want) => {
    await setLanguage(language as 'en' | 'fr')
    expect(plain(money(minor, currency))).toBe(want)
  })
})

const now = Date.parse('2026-03-10T12:00:00Z')
const ago = (seconds: number) => plain(when(new Date(now - seconds * 1000), 'Africa/Dakar', now))
const short = (moment: string) => plain(when(new Date(moment), 'Europe/Paris', now, true))

describe('when', () => {
  test('is relative within a day', () => {
    expect([ago(3), ago(59), ago(61), ago(3 * 3600 + 5)]).toEqual(['now', '50 seconds ago', '1 minute ago', '3 hours ago'])
    expect(ago(-7200)).toBe('in 2 hours')
  })

  test('is a date in the organization’s zone after that', () => {
    expect(plain(when(new Date('2026-03-01T23:30:00Z'), 'Europe/Paris', now))).toBe('Mar 2, 2026, 12:30 AM')
  })

  test('short, without the year it is there', () => {
    expect(short('2026-03-01T23:30:00Z')).toBe('Mar 2, 12:30 AM')
    expect(short('2025-12-31T23:30:00Z')).toBe('Jan 1, 12:30 AM')
    expect(short('2025-12-31T22:30:00Z')).toBe('Dec 31, 2025, 11:30 PM')
  })

  test('an unknown zone does not break the page', () => {
    expect(dateTime(new Date(now), 'Mars/Olympus')).not.toBe('')
  })
})

test('parseDate reads PocketBase’s form and refuses the rest', () => {
  expect(parseDate('2026-01-02 03:04:05.000Z')?.toISOString()).toBe('2026-01-02T03:04:05.000Z')
  expect([parseDate(''), parseDate(null), parseDate('soon')]).toEqual([undefined, undefined, undefined])
})

test('durations', () => {
  expect([duration(0), duration(59.6), duration(125), duration(3725), duration(-1)]).toEqual(['0 s', '1 min 00 s', '2 min 05 s', '1 h 02 min', '0 s'])
  expect([clock(5), clock(125.9), clock(3725)]).toEqual(['0:05', '2:05', '1:02:05'])
})

describe('the country of a browser', () => {
  const codes = ['BE', 'CH', 'FR', 'US']
  test.each([
    ['Europe/Paris', 'en-US', 'FR'], ['America/New_York', 'fr-FR', 'US'], ['Europe/Zurich', 'de', 'CH'],
    ['Etc/UTC', 'fr-BE', 'BE'], ['Etc/UTC', 'fr', ''], ['Etc/UTC', 'pt-BR', ''],
  ])('%s and %s: %s', (zone, language, want) => {
    expect(browserCountry(codes, zone, language)).toBe(want)
  })
})

test.each([
  ['Europe/Paris', 'Paris time', 'heure de Paris'],
  ['Africa/Abidjan', 'Abidjan time', 'heure d’Abidjan'],
  ['Europe/London', 'London time', 'heure de Londres'],
  ['Africa/Cairo', 'Cairo time', 'heure du Caire'],
  ['America/Los_Angeles', 'Los Angeles time', 'heure de Los Angeles'],
  ['UTC', 'universal time (UTC)', 'temps universel (UTC)'],
  ['', 'universal time (UTC)', 'temps universel (UTC)'],
])('%s is said as people say it', async (zone, en, fr) => {
  await setLanguage('en')
  expect(zoneName(zone)).toBe(en)
  await setLanguage('fr')
  expect(zoneName(zone)).toBe(fr)
  await setLanguage('en')
})

test('zones to choose from hold the one that is set, once', () => {
  const values = zoneChoices('Mars/Base').map(({ value }) => value)
  expect(values).toEqual(expect.arrayContaining(['Mars/Base', 'UTC', 'Europe/Paris']))
  expect(new Set(values).size).toBe(values.length)
})
