/** Answers that /boot.js asked for while this code was still loading, by their full address. */
declare global {
  interface Window {
    pocketlineEarly?: Record<string, Promise<Response>>
  }
}

/** fetch, except that what was asked for early is not asked for again: each early answer is used once. */
export const earlyFetch: typeof fetch = (input, init) => {
  const answers = window.pocketlineEarly
  const answer = typeof input === 'string' && (init?.method ?? 'GET') === 'GET' ? answers?.[input] : undefined
  if (!answer) return fetch(input, init)
  delete answers![input as string]
  // A connection that failed then may work now.
  return answer.catch(() => fetch(input, init))
}

/** Forgets what was asked for early: it was asked in the name of somebody else. */
export function forgetEarly(): void {
  delete window.pocketlineEarly
}
