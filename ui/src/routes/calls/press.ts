import { ClientResponseError } from 'pocketbase'

/** The same call that was met in place of a press, and what is known of it: nothing, that it waits, or that nobody knows whether it rings. */
export interface Earlier {
  id: string
  placing?: 'waiting' | 'unclear'
}

/** The call because of which the server asks before it places the same one again. */
export function earlierOf(error: unknown): Earlier | undefined {
  if (!(error instanceof ClientResponseError) || error.response.code !== 'call_just_placed') return undefined
  const { call, placing } = error.response
  return { id: String(call), ...((placing === 'waiting' || placing === 'unclear') && { placing }) }
}

/**
 * Tells that a press is over: the server knows its key and will only repeat itself. After any other failure, also a proxy's, the call may
 * have been placed, and the same key finds it.
 */
export function isSpent(error: unknown): boolean {
  return error instanceof ClientResponseError && (error.status === 409 || error.status === 422 || typeof error.response.call === 'string')
}
