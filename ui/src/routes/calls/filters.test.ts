import { describe, expect, test } from 'vitest'
import { countFilters, isNumber, readFilters, toQuery } from './filters'

describe('the address of the list', () => {
  test('keeps what is a filter and drops the rest', () => {
    expect(readFilters({ search: 'price', status: 'live,nonsense', outcome: 'failed', sort: '-cost_micros', priority: 'highest', from: '2026-11-20', to: 'soon', page: 3 }))
      .toEqual({ search: 'price', status: 'live', outcome: 'failed', sort: '-cost_micros', from: '2026-11-20' })
  })

  test('knows hidden callers', () => {
    expect(readFilters({ caller: 'hidden' })).toEqual({ caller: 'hidden' })
    expect(readFilters({ caller: 'somebody' })).toEqual({})
    expect(toQuery({ caller: 'hidden' }, 'UTC')).toEqual({ caller: 'hidden' })
  })

  test('knows calls that were answered or missed', () => {
    expect(readFilters({ reached: 'missed' })).toEqual({ reached: 'missed' })
    expect(readFilters({ reached: true })).toEqual({})
    expect(toQuery({ reached: 'missed', call_type: 'inbound' }, 'UTC')).toEqual({ missed: 'true', call_type: 'inbound' })
  })

  test('reads a number that was typed without quotes', () => {
    expect(readFilters({ search: 14155550142 })).toEqual({ search: '14155550142' })
  })

  test('counts conditions, not the order', () => {
    expect(countFilters({ sort: 'started_at', status: 'live', search: '' })).toBe(1)
  })
})

// As hooks/calls/lists/search.go reads it.
test.each([
  ['+33', true], ['+1 (415) 555-0142', true], ['41555', true], ['415.55', true],
  ['4155', true], ['020 7946 0018', true], ['+44 (0)20 7946', true], ['tel:+33612345678', true], ['(+33) 6', true], ['415–555', true],
  ['415', false], ['+', false], ['cleaning', false], ['12345a', false], ['123456789012345678901', false], ['4+15555', false], ['', false],
])('%s is looked for as a number: %s', (search, want) => {
  expect(isNumber(search)).toBe(want)
})

describe('days', () => {
  test('the last day is included', () => {
    expect(toQuery({ from: '2026-11-20', to: '2026-11-20', call_type: 'inbound' }, 'Africa/Abidjan')).toEqual({ call_type: 'inbound', from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z' })
  })
})
