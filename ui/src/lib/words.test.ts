import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { like } from './list'
import { holds, wordOf, wordsOf } from './words'

test.each([
  ['salon marie', ['Marie’s salon'], true],
  ['SALÓN  marie', ['Marie’s salon'], true],
  ['reception', ['Réception', 'répond le soir'], true],
  ['réponD recep', ['Réception', 'répond le soir'], true],
  ['дом', ['Мой ДОМ'], true],
  ['salon paul', ['Marie’s salon'], false],
  ['100%', ['1000'], false],
  ['', ['anything'], true],
])('"%s" in %j: %s', (typed, texts, found) => expect(holds(wordsOf(typed), texts)).toBe(found))

// Shared with the server, whose tests read them too.
const shared = (file: string) => JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, '../../..', file), 'utf8')) as unknown
const alike = shared('collections/words/testdata/alike.json') as Record<string, string[]>

// SQLite's LIKE: any characters, one character, and no capitals but A to Z.
const likeOf = (pattern: string) => new RegExp(`^${[...pattern]
  .map((c) => (c === '%' ? '.*' : c === '_' ? '.' : c)).join('')}$`, 'su')

test.each(Object.entries(alike))('%s: each is found by each, as the calls’ search finds it', (_, same) => {
  for (const typed of same) {
    const patterns = [...like(wordsOf(typed), ['name']).matchAll(/"(.*?)"/g)].map(([, one]) => likeOf(one!))
    for (const kept of same) {
      expect(holds(wordsOf(typed), [kept]), `${typed} in ${kept}`).toBe(true)
      for (const pattern of patterns) expect(kept.replace(/[A-Z]/g, (c) => c.toLowerCase())).toMatch(pattern)
    }
  }
})

const spelled = shared('hooks/internal/untrusted/testdata/words.json') as Record<string, string>

test.each(Object.entries(spelled))('"%s" is spelled "%s", as the server keeps it', (typed, word) => {
  expect(wordOf(typed)).toBe(word)
  expect(wordOf(word)).toBe(word)
})
