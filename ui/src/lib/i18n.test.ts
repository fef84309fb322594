import fs from 'node:fs'
import path from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, test } from 'vitest'
import callsEn from '../locales/calls/en.json'
import callsFr from '../locales/calls/fr.json'
import en from '../locales/en.json'
import fr from '../locales/fr.json'
import buildEn from '../locales/build/en.json'
import buildFr from '../locales/build/fr.json'
import helpEn from '../locales/help/en.json'
import helpFr from '../locales/help/fr.json'
import peopleEn from '../locales/people/en.json'
import peopleFr from '../locales/people/fr.json'
import { flatten, pseudo, translator } from './i18n'

const merge = (...trees: object[]): Record<string, string> => Object.assign({}, ...trees.map((tree) => flatten(tree))) as Record<string, string>
const english = merge(en, callsEn, buildEn, helpEn, peopleEn)
const french = merge(fr, callsFr, buildFr, helpFr, peopleFr)
const plural = /_(zero|one|two|few|many|other)$/
const base = (key: string) => key.replace(plural, '')
const placeholders = (text: string) => [...new Set(text.match(/\{\{\w+\}\}/g))].sort().join(' ')

const keys = (flat: Record<string, string>) => [...new Set(Object.keys(flat).map(base))].sort()

describe('the catalogues', () => {
  test('both have the same keys', () => {
    expect(keys(french)).toEqual(keys(english))
  })

  test('no key stands in two parts', () => {
    const all = [en, callsEn, buildEn, helpEn, peopleEn].flatMap((tree) => Object.keys(flatten(tree)))
    expect(all.filter((key, index) => all.indexOf(key) !== index)).toEqual([])
  })

  test('both have the same placeholders', () => {
    for (const [key, text] of Object.entries(french)) {
      const other = english[key] ?? english[`${base(key)}_other`]
      expect(`${key}: ${placeholders(text)}`).toBe(`${key}: ${placeholders(other ?? '')}`)
    }
  })

  test('every plural has the forms its language asks for', () => {
    for (const [language, flat] of Object.entries({ en: english, fr: french })) {
      const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories
      for (const key of new Set(Object.keys(flat).filter((k) => plural.test(k)).map(base))) {
        expect(needed.filter((form) => flat[`${key}_${form}`] === undefined), `${language} ${key}`).toEqual([])
      }
    }
  })

  test('no text is empty and none holds HTML', () => {
    for (const [key, text] of [...Object.entries(english), ...Object.entries(french)]) {
      expect(text.trim(), key).not.toBe('')
      expect(text, key).not.toMatch(/<[a-z/]/i)
    }
  })

  test('French sets a no-break space before double punctuation', () => {
    for (const [key, text] of Object.entries(french)) expect(text, key).not.toMatch(/ [?!:;»]/)
  })

  test('a sentence ends with a stop in both languages, a label in none', () => {
    const stop = /[.!?]”?(\u00a0»)?$/
    const unlike = Object.entries(french).filter(([key, text]) => stop.test(text) !== stop.test(english[key] ?? english[`${base(key)}_other`]!))
    expect(unlike).toEqual([])
    // The names of fields are labels, that of a text too.
    const sentence = /(Text|Hint|(?<!\.fields)\.text|\.cause)$/
    expect(Object.entries(english).filter(([key, text]) => sentence.test(base(key)) && !stop.test(text))).toEqual([])
    const label = /(^|\.|[a-z])(title|label|action|done|saved|deleted)$/i
    expect(Object.entries(english).filter(([key, text]) => label.test(base(key)) && text.endsWith('.'))).toEqual([])
  })

  test('French says automatically of what English lets happen by itself', () => {
    for (const [key, text] of Object.entries(french)) expect(text, key).not.toMatch(/(d’elle|de lui|d’eux|d’elles)-mêmes?|tout seul|toute seule/)
  })
})

describe('translator', () => {
  const t = translator({ a_one: '{{count}} call', a_other: '{{count}} calls', b: 'Hi {{name}}', c: 'x' }, 'en')
  const call = t as unknown as (key: string, params?: Record<string, string | number>) => string

  test('chooses the plural and writes numbers as the language does', () => {
    expect([call('a', { count: 1 }), call('a', { count: 0 }), call('a', { count: 1234 })]).toEqual(['1 call', '0 calls', '1,234 calls'])
    const f = translator({ a_one: '{{count}} appel', a_other: '{{count}} appels' }, 'fr') as unknown as typeof call
    expect([f('a', { count: 0 }), f('a', { count: 2 })]).toEqual(['0 appel', '2 appels'])
  })

  test.each(['en', 'fr'] as const)('counts in %s as the browser would', (language) => {
    const forms = Object.fromEntries(['one', 'many', 'other'].map((form) => [`n_${form}`, `${form} {{count}}`]))
    const say = translator(forms, language) as unknown as typeof call
    for (const count of [-1, 0, 0.5, 1, 1.5, 2, 21, 999, 1000, 1_000_000]) {
      expect(say('n', { count })).toBe(`${new Intl.PluralRules(language).select(count)} ${new Intl.NumberFormat(language).format(count)}`)
    }
  })

  test('isolates a name that runs from right to left, and no other', () => {
    expect([call('b', { name: 'دانا (2)' }), call('b', { name: 'Dana' })]).toEqual(['Hi \u2068دانا (2)\u2069', 'Hi Dana'])
  })

  test('shows what is missing instead of failing', () => {
    expect([call('nope'), call('b'), call('b', { name: '{{c}}' })]).toEqual(['nope', 'Hi {{name}}', 'Hi {{c}}'])
  })

  test('the pseudo language is 40 % longer and keeps placeholders', () => {
    const text = pseudo('Welcome back, {{name}}')
    expect(text).toContain('{{name}}')
    expect(text.length).toBeGreaterThanOrEqual('Welcome back, {{name}}'.length * 1.25)
  })
})

const root = path.resolve(import.meta.dirname, '..')
const sources = fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tsx?$/.test(f) && !/\.test\.|\.gen\.|test-setup/.test(f))

// Attributes people read or hear.
const spoken = new Set(['title', 'label', 'description', 'placeholder', 'alt', 'error', 'aria-label', 'aria-description', 'aria-roledescription', 'text', 'message', 'nothingFound', 'header'])
const letters = /\p{L}{2,}/u

interface Node {
  type?: string
  [key: string]: unknown
}

/** Texts in JSX that did not come through t(). Names of languages stay in their own language, and keys are keys. */
export function literals(file: string, code: string): string[] {
  const found: string[] = []
  const text = (node: unknown): string => {
    const n = node as Node | null
    if (n?.type === 'Literal' && typeof n.value === 'string') return n.value
    if (n?.type === 'TemplateLiteral') return (n.quasis as { value: { raw: string } }[]).map((q) => q.value.raw).join(' ')
    if (n?.type === 'JSXExpressionContainer') return text(n.expression)
    if (n?.type === 'ConditionalExpression') return `${text(n.consequent)} ${text(n.alternate)}`
    if (n?.type === 'LogicalExpression') return `${text(n.left)} ${text(n.right)}`
    return ''
  }
  const visit = (node: unknown, insideKbd: boolean) => {
    if (Array.isArray(node)) return node.forEach((child) => visit(child, insideKbd))
    if (typeof node !== 'object' || node === null) return
    const n = node as Node
    let kbd = insideKbd
    if (n.type === 'JSXElement') {
      const name = ((n.openingElement as Node).name as Node).name
      kbd = name === 'Kbd' || name === 'Code'
      for (const child of n.children as Node[]) {
        const value = child.type === 'JSXText' ? String(child.value) : child.type === 'JSXExpressionContainer' ? text(child) : ''
        if (!kbd && letters.test(value)) found.push(`${file}: ${value.trim()}`)
      }
    }
    if (n.type === 'JSXAttribute') {
      const name = (n.name as Node).name as string
      const value = text(n.value)
      if (spoken.has(name) && letters.test(value)) found.push(`${file}: ${name}="${value}"`)
    }
    for (const [key, value] of Object.entries(n)) if (key !== 'parent' && typeof value === 'object') visit(value, kbd)
  }
  visit(parseSync(file, code).program, false)
  return found
}

describe('the sources', () => {
  test('have no literal text in TSX', () => {
    expect(sources.filter((f) => f.endsWith('.tsx')).flatMap((f) => literals(f, fs.readFileSync(path.join(root, f), 'utf8')))).toEqual([])
  })

  test('the checker sees text, attributes and choices', () => {
    expect(literals('x.tsx', 'const a = <p title="Hello">Text {on ? "yes" : "no"}<Kbd>Ctrl</Kbd>{t("key.word")}{1}</p>')).toEqual(['x.tsx: Text', 'x.tsx: yes no', 'x.tsx: title="Hello"'])
  })

  test('what a toast says was done is a label', () => {
    const all = sources.map((f) => fs.readFileSync(path.join(root, f), 'utf8')).join('\n')
    const said = [
      ...[...all.matchAll(/\b(?:saved\(|undoable\(|done: |done=|said: |said=)(.{0,160})/g)]
        .flatMap(([, rest]) => [...rest!.matchAll(/\bt\('([\w.]+)'/g)].map((m) => m[1]!)),
      ...[...all.matchAll(/\bsaid="([\w.]+)"/g)].map((m) => m[1]!),
    ]
    expect(said.length).toBeGreaterThan(10)
    const forms = Object.entries(english).filter(([key]) => said.includes(base(key)))
    expect(forms.filter(([, text]) => text.endsWith('.'))).toEqual([])
  })

  test('every key of the catalogue is used', () => {
    const all = sources.map((f) => fs.readFileSync(path.join(root, f), 'utf8')).join('\n')
    const dynamic = [...all.matchAll(/`([a-z][\w.]*\.)\$\{/gi)].map((m) => m[1]!)
    // What the page of a record says of every kind: `${of.words}.one`, where the kind has `words: 'numbers'`.
    const names = [...all.matchAll(/`\$\{(?:of\.)?words\}\.(\w+)`/g)].map((m) => m[1]!)
    const ofKinds = new Set([...all.matchAll(/\bwords: '([\w.]+)'/g)].flatMap((m) => names.map((name) => `${m[1]!}.${name}`)))
    const isUsed = (key: string) => all.includes(`'${key}'`) || all.includes(`"${key}"`) || ofKinds.has(key) || dynamic.some((prefix) => key.startsWith(prefix))
    const unused = [...new Set(Object.keys(english).map(base))].filter((key) => !isUsed(key))
    expect(unused).toEqual([])
  })
})
