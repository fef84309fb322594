import { expect, test } from 'vitest'
import { heardLine } from '../routes/calls/conversation'
import { isolated, straight } from './strangers'

test('marks that turn the direction are taken out, wherever they stand; words of any script stay', () => {
  expect(straight('see \u202egnp.exe\u202c')).toBe('see gnp.exe')
  expect(straight({ name: '\u2067a\u2069', list: ['\u202db', 3, null], none: undefined })).toEqual({ name: 'a', list: ['b', 3, null], none: undefined })
  expect(straight('שלום, مرحبا\u200f')).toBe('שלום, مرحبا\u200f')
})

test('a name from right to left turns nothing beside it, and others stay as they are', () => {
  expect(isolated('شركة النور (3)')).toBe('\u2068شركة النور (3)\u2069')
  expect(isolated('דנה')).toBe('\u2068דנה\u2069')
  expect(isolated('Zoé & Łukasz – 山田')).toBe('Zoé & Łukasz – 山田')
})

test('a line heard live is straight', () => {
  expect(heardLine({ type: 'line', role: 'user', content: '\u202egnp.exe', position: 1 })?.content).toBe('gnp.exe')
})
