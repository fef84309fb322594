import { ClientResponseError } from 'pocketbase'
import type { T } from '../../lib/i18n'

/** A sign-in that waits for its second factor. */
export interface Waiting {
  ticket: string
  methods: string[]
  /** The code proved the address, and this ended. */
  ended?: Ended
}

/** What a proof of the address ended. */
export interface Ended {
  password_ended?: boolean
  factor_ended?: boolean
  keys_ended?: boolean
}

/** All that ended, in sentences; empty when nothing did. */
export function endedWords(ended: Ended | undefined, t: T): string {
  if (ended?.password_ended !== true) return ''
  return [
    t('auth.passwordEnded'), ended.factor_ended === true && t('auth.factorEnded'), ended.keys_ended === true && t('auth.keysEnded'),
  ].filter(Boolean).join(' ')
}

/** Reads a refused sign-in: 401 with a ticket means "half way", anything else is a failure. */
export function waitingOf(error: unknown): Waiting | undefined {
  if (!(error instanceof ClientResponseError) || error.status !== 401) return undefined
  const { ticket, mfaId, methods, ...rest } = error.response as { ticket?: unknown; mfaId?: unknown; methods?: unknown } & Ended
  const id = typeof ticket === 'string' ? ticket : mfaId
  if (typeof id !== 'string' || !id) return undefined
  return {
    ticket: id, methods: Array.isArray(methods) ? methods.filter((m): m is string => typeof m === 'string') : [],
    ...(rest.password_ended === true ? { ended: rest } : {}),
  }
}
