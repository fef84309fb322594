import { expect, test } from 'vitest'
import { holds, wordsOf } from '../../lib/words'
import { soughtNumber } from './search'

const kept = ['Accueil', '+33123456789']

test.each([
  ['01 23 45 67 89', true], ['+33 1 23', true], ['(0)1.23-45', true], ['0033 1 23', true], ['accueil', true], ['6789', true],
  ['01 24', false], ['0', false], ['ligne 2', false],
])('"%s" among names and numbers: %s', (typed, found) => {
  expect(holds(wordsOf(soughtNumber(typed)), kept)).toBe(found)
})
