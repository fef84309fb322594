import { expect, test } from 'vitest'
import { inFours } from './CopyLine'

test('a secret to type stands in fours', () => {
  expect([inFours('ABCDEFGHIJ'), inFours('ABCDEFGH'), inFours('AB'), inFours('')]).toEqual([
    'ABCD EFGH IJ',
    'ABCD EFGH',
    'AB',
    '',
  ])
})
