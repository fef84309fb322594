import { expect, test } from 'vitest'
import { orderOf, readSort, sortOf } from './order'

const sorts = ['name', '-name', '-created'] as const

test('an order goes into the address and back', () => {
  for (const sort of sorts) expect(sortOf(orderOf(sort), sorts)).toBe(sort)
  expect(sortOf(orderOf('name'), sorts, 'name')).toBeUndefined()
  expect(sortOf({ by: 'secret', descending: false }, sorts)).toBeUndefined()
  expect(sortOf(undefined, sorts)).toBeUndefined()
  expect(['-created', 'created', 5, undefined].map((raw) => readSort(raw, sorts))).toEqual(['-created', undefined, undefined, undefined])
})
