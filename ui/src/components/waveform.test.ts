import { expect, test } from 'vitest'
import { lanePath, timeAt } from './waveform'

test('a lane rises from the middle and its loudest moment nearly fills it', () => {
  expect(lanePath([0, 40, 80, 0], true)).toBe('M0 50H0V49H200V26.5H400V4H600V49H800V50Z')
  expect(lanePath([0, 40, 80, 0], false)).toBe('M0 50H0V51H200V73.5H400V96H600V51H800V50Z')
})

test('silence is a line, and no points are nothing', () => {
  expect(lanePath([0, 0], true)).toBe('M0 50H0V49H400V49H800V50Z')
  expect(lanePath([], true)).toBe('')
})

test.each([[-5, 0], [0, 0], [50, 30], [100, 60], [400, 60]])('a press at %i of 100 leads to second %i of 60', (x, want) => {
  expect(timeAt(x, 100, 60)).toBe(want)
})

test('a box without width leads to the beginning', () => {
  expect(timeAt(10, 0, 60)).toBe(0)
})
