import { expect, test } from 'vitest'
import { isNothing, outputs, pairs, verdict, words } from './analysis'

test.each([
  ['call_back_time', 'Call back time'], ['callBackTime', 'Call back time'], ['intent', 'Intent'], ['VIN', 'VIN'], ['order-ID', 'Order ID'], ['motif de l’appel', 'Motif de l’appel'], ['__', '__'], ['', ''],
])('%s reads %s', (name, want) => {
  expect(words(name)).toBe(want)
})

test.each([
  ['true', true], ['False', false], ['Pass', true], ['FAIL', false], ['8', '8'], [' Excellent ', 'Excellent'], ['', undefined], [undefined, undefined], [7, undefined],
])('the evaluation %s means %s', (evaluation, want) => {
  expect(verdict(evaluation)).toBe(want)
})

test('what says nothing is left out, false and zero say something', () => {
  expect(pairs({ a: null, b: '', c: [], d: {}, e: { f: [null, ' '] }, booked: false, guests: 0 })).toEqual([['booked', false], ['guests', 0]])
  expect(pairs({ list: ['x'], zone: 1, inside: { a: 1 }, area: 2 }).map(([name]) => name)).toEqual(['area', 'zone', 'inside', 'list'])
  expect(pairs('a sentence')).toEqual([['', 'a sentence']])
  for (const value of [null, undefined, '', {}, [], [{}]]) expect([isNothing(value), pairs(value)]).toEqual([true, []])
})

test('outputs come by id, those without a result do not', () => {
  expect(outputs({ x: { name: 'Booking', result: { booked: true } }, y: { name: 'Empty', result: null }, z: 'odd', n: { result: 4 } }))
    .toEqual([{ id: 'x', name: 'Booking', result: { booked: true } }, { id: 'n', name: '', result: 4 }])
  expect(outputs([1])).toEqual([])
})
