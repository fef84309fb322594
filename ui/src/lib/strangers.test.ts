import { expect, test } from 'vitest'
import { heardLine } from '../routes/calls/conversation'
import { straight } from './strangers'

test('marks that turn the direction are taken out, wherever they stand; words of any script stay', () => {
  expect(straight('see \u202egnp.exe\u202c')).toBe('see gnp.exe')
  expect(straight({ name: '\u2067a\u2069', list: ['\u202db', 3, null], none: undefined })).toEqual({ name: 'a', list: ['b', 3, null], none: undefined })
  expect(straight('שלום, مرحبا\u200f')).toBe('שלום, مرحبا\u200f')
})

test('a line heard live is straight', () => {
  expect(heardLine({ type: 'line', role: 'user', content: '\u202egnp.exe', position: 1 })?.content).toBe('gnp.exe')
})
