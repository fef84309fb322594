import { expect, test } from 'vitest'
import { changeViews, keepView, namesake, readViews, readyViews, same, viewOf, VIEWS_MAX } from './views'

const missed = { id: 'a', name: 'Missed', filters: { outcome: 'no_answer' } }
const urgent = { id: 'b', name: 'Urgent', filters: { priority: 'urgent', sort: 'started_at' } } as const

test('what is stored is read; what is not a view is left out', () => {
  expect(readViews([missed, urgent])).toEqual([missed, urgent])
  expect(readViews([
    null, 7, 'x', {}, { ...missed, id: 4 }, { ...missed, name: '  ' }, { ...missed, filters: null }, { ...missed, filters: { colour: 'red' } },
    { ...missed, filters: { ...missed.filters, sort: 'colour' } }, { ...missed, name: 'the same id again' },
  ])).toEqual([missed])
  for (const stored of [undefined, null, {}, 'x']) expect(readViews(stored)).toEqual([])
  expect(readViews(Array.from({ length: 30 }, (_, i) => ({ ...missed, id: String(i) })))).toHaveLength(VIEWS_MAX)
})

test('a view is recognized whatever the order of its filters', () => {
  expect(viewOf([missed, urgent], { sort: 'started_at', priority: 'urgent' })).toBe(urgent)
  expect(viewOf([missed, urgent], { priority: 'urgent' })).toBeUndefined()
  expect(viewOf([missed], { outcome: 'no_answer', search: '' })).toBe(missed)
})

test('keeping adds by name, and replaces the one of that name', () => {
  expect(keepView([urgent], ' Missed ', missed.filters, 'a')).toEqual([missed, urgent])
  expect(keepView([missed, urgent], 'MISSED', { outcome: 'failed' }, 'new')).toEqual([{ id: 'a', name: 'MISSED', filters: { outcome: 'failed' } }, urgent])
})

test('renaming and deleting leave alone what was added meanwhile', () => {
  const added = { id: 'c', name: 'Added elsewhere', filters: { search: 'x' } }
  expect(changeViews([missed, urgent, added], { names: { a: 'Zero answers' }, gone: ['b'] })).toEqual([added, { ...missed, name: 'Zero answers' }])
  expect(changeViews([missed], { names: { a: ' ', gone: 'x' }, gone: ['not there'] })).toEqual([missed])
})

test('a name is taken by another view only', () => {
  expect(namesake([missed, urgent], 'missed', 'b')).toBe(missed)
  expect(namesake([missed, urgent], 'missed', 'a')).toBeUndefined()
})

const ready = (today: string, name: string) => readyViews(today).find(({ id }) => id === name)!.filters

test('a week is ready from its Monday on, over the end of a year too', () => {
  expect(['2026-03-08', '2026-03-09', '2026-03-15', '2026-01-01'].map((day) => ready(day, 'week'))).toEqual([
    { from: '2026-03-02' }, { from: '2026-03-09' }, { from: '2026-03-09' }, { from: '2025-12-29' },
  ])
})

test('a list is a ready one whatever the order of its filters, and no longer with another one', () => {
  const pending = ready('2026-03-09', 'pending')
  expect(same(pending, { search: '', resolution_status: 'pending' })).toBe(true)
  expect(same(pending, { resolution_status: 'pending', priority: 'urgent' })).toBe(false)
})
