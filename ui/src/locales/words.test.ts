import { describe, expect, test } from 'vitest'
import build from './build/en.json'
import buildFr from './build/fr.json'
import calls from './calls/en.json'
import callsFr from './calls/fr.json'
import en from './en.json'
import fr from './fr.json'
import people from './people/en.json'
import peopleFr from './people/fr.json'
import server from './server/fr.json'
import words from './words.json'
import { flatten } from '../lib/i18n'

// The server's sentences are for programs too in English; their French is for people alone.
const texts = {
  en: [en, calls, build, people].map((tree) => flatten(tree)),
  fr: [fr, callsFr, buildFr, peopleFr, server].map((tree) => flatten(tree)),
}

/** The rival as a word of its own, whatever its capitals; names of settings and of commands are no words. */
const says = (text: string, rival: string) =>
  new RegExp(`(?<![\\p{L}\\d_{-])${rival}(?![\\p{L}\\d_}-])`, 'iu').test(text.replaceAll(/[A-Z]+_[A-Z_]+|--[\w-]+/g, ''))

/** What says where a caller works: a company, which is no organization of ours. */
const theirs = /contact|audit\.fields\.company$/

describe.each(['en', 'fr'] as const)('the product’s words in %s', (language) => {
  test.each(words.map((word) => word[language]))('$say, and never a rival of it', ({ say, not }) => {
    const all = texts[language].flatMap((catalogue) => Object.entries(catalogue))
    expect(all.some(([, text]) => says(text, say) || says(text, `${say}s`)), `nobody says ${say}`).toBe(true)
    expect(all.filter(([key, text]) => not.some((rival) => says(text, rival) && !(theirs.test(key) && /^(company|société|entreprise)$/.test(rival))))).toEqual([])
  })
})

test('a rival is found as a word, not as a part of one', () => {
  expect([says('Ask your Administrator.', 'administrator'), says('The toolbox', 'tool'), says('Set POCKETLINE_OPTIONS', 'options')]).toEqual([true, false, false])
})
