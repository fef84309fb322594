import PocketBase, { LocalAuthStore, type SendOptions } from 'pocketbase'
import { earlyFetch, forgetEarly } from './early'
import { forgetParting, parted } from './parting'
import { keys, recall } from './prefs'
import { needSentences } from './said'
import { serverSaid } from './serverTime'

/** Facts of a failed answer that PocketBase's SDK drops: errors.ts reads them from the error's data. */
export interface AnswerFacts {
  requestId?: string
  retryAfter?: number
}

export const factsKey = Symbol.for('pocketline.facts')

/**
 * The one client of this page. Its store has a name of its own: the operator's panel at /_/ shares the origin and keeps
 * its session apart. Requests are never cancelled for looking alike, TanStack Query decides what to ask for.
 */
export const pb = new PocketBase('/', new LocalAuthStore('pocketline.session'))
pb.autoCancellation(false)

// The SDK asks in American English whatever is on screen; the server begins accounts with the looks of the page.
pb.beforeSend = (url, options) => {
  const looks = { 'Accept-Language': document.documentElement.lang || 'en', 'X-Theme': recall(keys.theme) ?? 'auto' }
  return { url, options: { ...options, fetch: earlyFetch, headers: { ...options.headers, ...looks } } }
}
pb.authStore.onChange(forgetEarly)

let renewing = 0

/** Does what ends this session and begins another, as a new password does: what is answered in between sends nobody to sign-in. */
export async function withNewSession<T>(work: () => Promise<T>): Promise<T> {
  renewing++
  try {
    return await work()
  } finally {
    renewing--
  }
}

/** The server does not know the session any more; the shell notices and goes to sign-in, with the way back. */
export function sessionEnded(): void {
  if (renewing > 0) return
  parted('ended')
  pb.authStore.clear()
}

pb.afterSend = (response: Response, data: unknown, options?: SendOptions) => {
  // A session that has ended is answered like a guest, with empty lists: what says so is a header. A request that was on its
  // way before the session was renewed says nothing about the new one.
  const sent = new Headers(options?.headers).get('Authorization')
  if (sent && sent === pb.authStore.token && response.headers?.get('www-authenticate')?.includes('invalid_token')) sessionEnded()
  serverSaid(response.headers?.get('date'))
  if (response.status < 400 || typeof data !== 'object' || data === null) return data
  const facts: AnswerFacts = {}
  const id = response.headers?.get('x-request-id')
  if (id) facts.requestId = id
  const after = Number(response.headers?.get('retry-after'))
  if (after > 0) facts.retryAfter = after
  const failed = { ...data, [factsKey]: facts }
  return needSentences().then(() => failed) // so that whoever shows it has the words
}

/** Seconds until the session's token ends; 0 when there is none. */
export function tokenSeconds(token = pb.authStore.token): number {
  const payload = token.split('.')[1]
  if (!payload) return 0
  try {
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: number }
    return Math.max(0, (claims.exp ?? 0) - Date.now() / 1000)
  } catch {
    return 0
  }
}

// Renewing a long session in its last ten hours leaves a working day of margin and asks the server rarely; one that an
// organization made shorter is renewed at half its time.
const LONG_SECONDS = 11 * 3600
const RENEW_BELOW_SECONDS = 10 * 3600

let lifetime = tokenSeconds()
pb.authStore.onChange(() => {
  lifetime = tokenSeconds()
})

const renewBelow = () => (lifetime > LONG_SECONDS ? RENEW_BELOW_SECONDS : lifetime / 2)

/** Renews the session when it has been in use for a while. A refused renewal ends the session; any other failure waits. */
export async function renewSession(): Promise<void> {
  if (!pb.authStore.isValid || tokenSeconds() > renewBelow()) return
  try {
    await pb.collection('users').authRefresh()
  } catch (error) {
    const status = (error as { status?: number }).status
    if (status === 401 || status === 403) sessionEnded()
  }
}

/** Signs out here, and ends the session at the server so that its token is worth nothing; offline it ends here alone. */
export function signOut(): void {
  const headers = { Authorization: pb.authStore.token }
  forgetParting()
  pb.authStore.clear()
  pb.send('/api/me/sessions/current', { method: 'DELETE', headers, keepalive: true }).catch(() => undefined)
}
