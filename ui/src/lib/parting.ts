/** Why a person finds the sign-in page although nobody signed out: the session ended, or a backup took the place of the data. */
export type Parting = 'ended' | 'restored'

// Of this tab alone, and past a reload.
const key = 'pocketline.parting'

/** Notes it for the sign-in page. What is known already says more than that a session ended. */
export function parted(why: Parting): void {
  try {
    if (why === 'restored' || !sessionStorage.getItem(key)) sessionStorage.setItem(key, why)
  } catch {
    // Storage may be off: the page then asks for the password without a word.
  }
}

/** What was noted last, if anything. */
export function parting(): Parting | undefined {
  try {
    const why = sessionStorage.getItem(key)
    return why === 'ended' || why === 'restored' ? why : undefined
  } catch {
    return undefined
  }
}

/** Somebody signed in or out by themselves: there is nothing to explain. */
export function forgetParting(): void {
  try {
    sessionStorage.removeItem(key)
  } catch {
    // As above.
  }
}
