import { expect, test } from 'vitest'
import { mergeHead } from './head'

const page = (...rows: string[]) => ({ next: 'x', items: rows.map((row) => ({ id: row[0]!, state: row.slice(1) })) })
const show = (pages: { items: { id: string; state: string }[] }[]) => pages.map((p) => p.items.map((i) => i.id + i.state).join(' '))

test('new rows come first, known ones change where they stand, the rest stays', () => {
  expect(show(mergeHead([page('c1', 'b1'), page('a1')], page('d1', 'c2').items))).toEqual(['d1 c2 b1', 'a1'])
})

test('a row is never there twice, wherever it was loaded', () => {
  expect(show(mergeHead([page('c1'), page('b1', 'a1')], page('c1', 'b2').items))).toEqual(['c1', 'b2 a1'])
})

test('an empty answer changes nothing', () => {
  expect(show(mergeHead([page('c1')], page().items))).toEqual(['c1'])
})
