import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react'
import type english from '../locales/en.json'
import { keys, recall, remember } from './prefs'

/** Languages of the dashboard. "pseudo" is English made 40 % longer: it shows what a longer language would clip. */
export type Language = 'en' | 'fr'
type Shown = Language | 'pseudo'

type Leaves<T, P extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${P}${K}` : Leaves<T[K], `${P}${K}.`>
}[keyof T & string]
type WithoutPlural<K extends string> = K extends `${infer Base}_${'one' | 'many' | 'other'}` ? Base : K

/** Every key of the catalogue; plural forms count as one key. */
export type Key = WithoutPlural<Leaves<typeof english>>
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
  const rules = new Intl.PluralRules(language === 'fr' ? 'fr' : 'en')
  const numbers = new Intl.NumberFormat(language === 'fr' ? 'fr' : 'en')
  return (key, params) => {
    let text = flat[key]
    if (params && typeof params.count === 'number') {
      text = flat[`${key}_${rules.select(params.count)}`] ?? flat[`${key}_other`] ?? text
    }
    if (text === undefined) return key
    if (language === 'pseudo') text = pseudo(text)
    if (!params) return text
    return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
      const value = params[name]
      if (value === undefined) return whole
      return typeof value === 'number' ? numbers.format(value) : value
    })
  }
}

const load: Record<Language, () => Promise<{ default: object }>> = {
  en: () => import('../locales/en.json'),
  fr: () => import('../locales/fr.json'),
}

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

/** Switches the page's language, at once and without a reload, and remembers it in this browser. */
export async function setLanguage(shown: Shown): Promise<void> {
  const language = shown === 'fr' ? 'fr' : 'en'
  const { default: tree } = await load[language]()
  state = { shown, t: translator(flatten(tree), shown) }
  document.documentElement.lang = language
  remember(keys.language, shown)
  for (const listener of listeners) listener()
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
