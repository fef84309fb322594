import { ClientResponseError } from 'pocketbase'

/** A sign-in that waits for its second factor. */
export interface Waiting {
  ticket: string
  methods: string[]
  /** The code proved the address, and the password from before ended. */
  passwordEnded?: boolean
}

/** Reads a refused sign-in: 401 with a ticket means "half way", anything else is a failure. */
export function waitingOf(error: unknown): Waiting | undefined {
  if (!(error instanceof ClientResponseError) || error.status !== 401) return undefined
  const { ticket, mfaId, methods, password_ended } = error.response as { ticket?: unknown; mfaId?: unknown; methods?: unknown; password_ended?: unknown }
  const id = typeof ticket === 'string' ? ticket : mfaId
  if (typeof id !== 'string' || !id) return undefined
  return {
    ticket: id, methods: Array.isArray(methods) ? methods.filter((m): m is string => typeof m === 'string') : [],
    ...(password_ended === true ? { passwordEnded: true } : {}),
  }
}
