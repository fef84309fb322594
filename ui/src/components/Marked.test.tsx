import { expect, test } from 'vitest'
import { wordsOf } from '../lib/words'
import { marked } from './Marked'

const shown = (text: string, typed: string) => marked(text, wordsOf(typed)).filter(({ hit }) => hit).map(({ text }) => text)

test('what was typed is marked wherever it stands, whatever accents and capitals either has', () => {
  expect(shown('Crème brûlée, creme', 'CREME')).toEqual(['Crème', 'creme'])
  expect(shown('Cre\u0300me', 'cre')).toEqual(['Cre\u0300'])
  expect(shown('Front desk', 'de fr')).toEqual(['Fr', 'de'])
})

test('a letter that is two when folded is marked whole', () => {
  expect(shown('Straße 4', 'ss')).toEqual(['ß'])
  expect(shown('Œuvre', 'oeu')).toEqual(['Œu'])
})

test('what touches is one mark, and nothing typed marks nothing', () => {
  expect(shown('banana', 'an na')).toEqual(['anana'])
  expect(shown('banana', '')).toEqual([])
  expect(shown('', 'a')).toEqual([])
})
