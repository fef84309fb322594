import { expect, test } from 'vitest'
import { dayStart, monday, nextDay, stretch, stretches, today } from './days'

test.each([
  ['2026-11-20', 'Europe/Paris', '2026-11-19T23:00:00.000Z'],
  ['2026-07-01', 'Europe/Paris', '2026-06-30T22:00:00.000Z'],
  // Clocks go back at 03:00 on this day, and forward at 02:00 on the next one.
  ['2026-10-25', 'Europe/Paris', '2026-10-24T22:00:00.000Z'],
  ['2026-03-29', 'Europe/Paris', '2026-03-28T23:00:00.000Z'],
  ['2026-11-20', 'America/Los_Angeles', '2026-11-20T08:00:00.000Z'],
  ['2026-11-20', 'Nowhere/Land', '2026-11-20T00:00:00.000Z'],
  ['2026-11-20', undefined, '2026-11-20T00:00:00.000Z'],
])('%s in %s begins at %s', (date, zone, want) => {
  expect(dayStart(date, zone).toISOString()).toBe(want)
})

test('the day it is depends on where', () => {
  const now = Date.parse('2026-12-31T23:30:00Z')
  expect([today('Europe/Paris', now), today('America/New_York', now), today('Nowhere/Land', now)])
    .toEqual(['2027-01-01', '2026-12-31', '2026-12-31'])
  expect(nextDay('2028-02-28')).toBe('2028-02-29')
})

test.each([
  ['2026-11-30', '2026-11-30'], ['2026-12-06', '2026-11-30'], ['2027-01-01', '2026-12-28'],
])('the week of %s begins on %s', (day, want) => {
  expect(monday(day)).toBe(want)
})

test.each([
  ['2026-03-01', ['2026-03-01', '2026-02-23', '2026-02-23', '2026-01-31', '2026-03-01']],
  ['2028-03-01', ['2028-03-01', '2028-02-28', '2028-02-24', '2028-02-01', '2028-03-01']],
  ['2028-01-15', ['2028-01-15', '2028-01-10', '2028-01-09', '2027-12-17', '2028-01-01']],
])('stretches on %s', (day, firsts) => {
  expect(stretches.map((name) => stretch(name, day))).toEqual(firsts.map((first) => [first, day]))
})
