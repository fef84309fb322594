import { useEffect, useSyncExternalStore } from 'react'
import { locale } from './i18n'
import { plainly } from './plainly'

// The server's sentences are English: they are part of its documented routes. The dashboard says those it knows in the
// reader's language; the catalogue of them comes with the first answer that needs it.
let french: ((text: string) => string) | undefined
let coming: Promise<void> | undefined
const listeners = new Set<() => void>()

async function load(): Promise<void> {
  try {
    french = (await import('./sentences')).inFrench
    for (const listener of listeners) listener()
  } catch {
    coming = undefined // the English sentence still says what is wrong; the next answer tries again
  }
}

/** Makes the server's sentences available in the reader's language. Never fails. */
export function needSentences(): Promise<void> {
  if (locale() === 'en') return Promise.resolve()
  return (coming ??= load())
}

/** A sentence of the server in the reader's language; one that is not known, or not yet, stays as it is. */
export function said(text: string): string {
  const plain = plainly(text)
  return named(french && locale() === 'fr' ? french(plain) : plain)
}

/** The server writes countries as (XX): here they get their names. */
function named(text: string): string {
  return text.replace(/\(([A-Z]{2})\)/g, (_, code: string) => `(${new Intl.DisplayNames([locale()], { type: 'region' }).of(code)})`)
}

/** `said` for sentences that came with an answer that is no failure, such as why a copy at the provider is behind. */
export function useSaid(): (text: string) => string {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => french,
  )
  useEffect(() => void needSentences()) // after each render: the language may have changed
  return said
}
