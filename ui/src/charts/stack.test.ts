import { expect, test } from 'vitest'
import { stack } from './stack'

test('parts stand above each other and the highest column fills the box', () => {
  expect(stack([[3, 1], [1, 1]], 100)).toEqual([[{ y: 25, height: 75 }, { y: 0, height: 25 }], [{ y: 75, height: 25 }, { y: 50, height: 25 }]])
})

test('a single call beside a thousand is still seen, and nothing is nothing', () => {
  expect(stack([[1000], [1], [0]], 100).map(([bar]) => bar!.height)).toEqual([100, 2, 0])
})

test('a week without calls has no bars', () => {
  expect(stack([[0, 0]], 100)).toEqual([[{ y: 100, height: 0 }, { y: 100, height: 0 }]])
})
