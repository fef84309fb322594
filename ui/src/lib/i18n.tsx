import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react'
import type calls from '../locales/calls/en.json'
import type english from '../locales/en.json'
import type build from '../locales/build/en.json'
import type help from '../locales/help/en.json'
import type people from '../locales/people/en.json'
import { code } from './code'
import { keys, recall, remember } from './prefs'
import { isolated } from './strangers'

/** Languages of the dashboard. "pseudo" is English made 40 % longer: it shows what a longer language would clip. */
export type Language = 'en' | 'fr'
type Shown = Language | 'pseudo'

type Leaves<T, P extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${P}${K}` : Leaves<T[K], `${P}${K}.`>
}[keyof T & string]
type WithoutPlural<K extends string> = K extends `${infer Base}_${'one' | 'many' | 'other'}` ? Base : K

/** Every key of the catalogue; plural forms count as one key. */
export type Key = WithoutPlural<
  Leaves<typeof english> | Leaves<typeof calls> | Leaves<typeof people> | Leaves<typeof build> | Leaves<typeof help>
>
export type Params = Record<string, string | number>
export type T = (key: Key, params?: Params) => string

type Flat = Record<string, string>

/** Makes `{a: {b: "x"}}` into `{"a.b": "x"}`. */
export function flatten(tree: object, prefix = '', into: Flat = {}): Flat {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') into[prefix + key] = value
    else flatten(value as object, `${prefix}${key}.`, into)
  }
  return into
}

const accents: Record<string, string> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', O: 'Ó' }

/** Lengthens a sentence by 40 % and keeps its {{parameters}}. */
export function pseudo(text: string): string {
  const accented = text.replace(/\{\{\w+\}\}|[aeiouAEO]/g, (m) => accents[m] ?? m)
  const extra = Math.ceil(text.replace(/\{\{\w+\}\}/g, '').length * 0.4)
  return `${accented}${' ~~~~'.repeat(Math.ceil(extra / 5)).slice(0, extra)}`
}

/** Builds the translate function of one catalogue. Unknown keys come back as themselves: visible, never a crash. */
export function translator(flat: Flat, language: Shown): T {
  // Made when first needed: making them takes a phone a tenth of a second, and most first pages count nothing large.
  let rules: Intl.PluralRules | undefined
  let numbers: Intl.NumberFormat | undefined
  const code = language === 'fr' ? 'fr' : 'en'
  const form = (n: number) => {
    if (Number.isInteger(n) && n >= 0 && n < 1000) return n === 1 || (n === 0 && code === 'fr') ? 'one' : 'other'
    return (rules ??= new Intl.PluralRules(code)).select(n)
  }
  const written = (n: number) =>
    Number.isInteger(n) && Math.abs(n) < 1000 ? String(n) : (numbers ??= new Intl.NumberFormat(code)).format(n)
  return (key, params) => {
    let text = flat[key]
    if (params && typeof params.count === 'number') {
      text = flat[`${key}_${form(params.count)}`] ?? flat[`${key}_other`] ?? text
    }
    if (text === undefined) return key
    if (language === 'pseudo') text = pseudo(text)
    if (!params) return text
    return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
      const value = params[name]
      if (value === undefined) return whole
      return typeof value === 'number' ? written(value) : isolated(value)
    })
  }
}

type Catalogue = Record<Language, () => Promise<{ default: object }>>

const main: Catalogue = {
  en: () => import('../locales/en.json'),
  fr: () => import('../locales/fr.json'),
}

/** Words the first page does without; they come with the pages that say them, see `withWords`. */
const parts = {
  calls: { en: () => import('../locales/calls/en.json'), fr: () => import('../locales/calls/fr.json') },
  build: { en: () => import('../locales/build/en.json'), fr: () => import('../locales/build/fr.json') },
  help: { en: () => import('../locales/help/en.json'), fr: () => import('../locales/help/fr.json') },
  people: { en: () => import('../locales/people/en.json'), fr: () => import('../locales/people/fr.json') },
} satisfies Record<string, Catalogue>
export type Part = keyof typeof parts

interface State {
  shown: Shown
  t: T
}

let state: State = { shown: 'en', t: (key) => key }
const listeners = new Set<() => void>()

/** The language this browser starts in: its last choice, else the browser's own. */
export function preferredLanguage(): Shown {
  const stored = recall(keys.language)
  if (stored === 'en' || stored === 'fr' || stored === 'pseudo') return stored
  return /^fr\b/i.test(navigator.language) ? 'fr' : 'en'
}

let wanted: Shown = 'en'
const used = new Set<Part>()
const loading = new Map<Part, Promise<void>>()

/** Loads what is wanted until nothing else was wanted meanwhile, then shows it. */
async function load(): Promise<void> {
  for (;;) {
    const shown = wanted
    const language = shown === 'fr' ? 'fr' : 'en'
    const names = [...used]
    // oxlint-disable-next-line no-await-in-loop -- a second round only when the wish changed meanwhile
    const trees = await Promise.all(
      [main, ...names.map((name) => parts[name])].map((catalogue) => catalogue[language]()),
    )
    if (shown !== wanted || names.length !== used.size) continue
    state = { shown, t: translator(Object.assign({}, ...trees.map((tree) => flatten(tree.default))) as Flat, shown) }
    document.documentElement.lang = language
    for (const listener of listeners) listener()
    return
  }
}

/** Switches the page's language, at once and without a reload, and remembers it in this browser. */
export async function setLanguage(shown: Shown): Promise<void> {
  wanted = shown
  await load()
  remember(keys.language, shown)
}

/** Makes the words of a part available, in this language and in the one a person may switch to. */
export function needWords(part: Part): Promise<void> {
  const coming = loading.get(part)
  if (coming) return coming // a page that was only pointed at may have asked first
  used.add(part)
  const words = load().catch((error: unknown) => {
    loading.delete(part)
    throw error
  })
  loading.set(part, words)
  return words
}

/** Imports a page together with the words of its part: `lazyRouteComponent(withWords('people', () => import('./TeamPage')), 'TeamPage')`. */
export function withWords<M>(part: Part, page: () => Promise<M>): () => Promise<M> {
  return code(async () => (await Promise.all([page(), needWords(part)]))[0])
}

/** The translate function outside components (errors, document titles). Inside, use useT so a switch re-renders. */
export const t: T = (key, params) => state.t(key, params)

/** The language for Intl. */
export const locale = (): Language => (state.shown === 'fr' ? 'fr' : 'en')

const Context = createContext<State>(state)

export function I18nProvider({ children }: { children: ReactNode }) {
  const current = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => state,
  )
  return <Context value={current}>{children}</Context>
}

export function useT(): T {
  return useContext(Context).t
}

export function useLanguage(): Language {
  const { shown } = useContext(Context)
  return useMemo(() => (shown === 'fr' ? 'fr' : 'en'), [shown])
}
