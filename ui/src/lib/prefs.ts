/** What this browser remembers between visits. Reading never fails: storage may be off or full. */
export type Theme = 'auto' | 'light' | 'dark'

export const keys = {
  theme: 'pocketline.theme',
  language: 'pocketline.language',
  /** The language somebody chose before signing in. */
  chosen: 'pocketline.chosen',
  shortcuts: 'pocketline.shortcuts',
  organization: 'pocketline.organization',
  /** The organization whose calls this person may not see: boot.js does not ask for them. */
  unheard: 'pocketline.unheard',
  /** The phone this person takes calls over with. */
  takeOver: 'pocketline.takeOver',
} as const

type Key = (typeof keys)[keyof typeof keys]

export function remember(key: Key, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}

export function recall(key: Key): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function isTheme(value: unknown): value is Theme {
  return value === 'auto' || value === 'light' || value === 'dark'
}
