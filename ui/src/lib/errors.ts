import { ClientResponseError } from 'pocketbase'
import { isCodeMissing } from './code'
import type { Key, T } from './i18n'
import { factsKey, type AnswerFacts } from './pb'
import { isReachable } from './reach'
import { said } from './said'

/** A failure in a person's words. Every screen shows failures through this and nothing else. */
export interface Problem {
  title: string
  /** One sentence on why, or what to do; may be the server's own sentence, in the reader's language when it is a known one. */
  cause: string
  /** Machine name for support, e.g. "offline" or "http_409". */
  code: string
  status: number
  requestId?: string
  /** Trying the same again can help. */
  retryable: boolean
  /** Seconds the server asks to wait (429). */
  retryAfter?: number
  /** Messages for named inputs. */
  fields: Record<string, string>
  /** The request was given up on purpose: show nothing. */
  aborted: boolean
}

const fieldMessages: Record<string, Key> = {
  validation_required: 'errors.field.required',
  validation_not_unique: 'errors.field.taken',
  validation_is_email: 'errors.field.email',
  validation_invalid_email: 'errors.field.email',
  validation_values_mismatch: 'errors.field.mismatch',
  validation_invalid_old_password: 'errors.field.oldPassword',
  validation_invalid_password: 'errors.field.oldPassword',
  validation_length_out_of_range: 'errors.field.length',
  validation_min_text_constraint: 'errors.field.short',
  validation_max_text_constraint: 'errors.field.long',
}

const titles: Record<number, Key> = {
  400: 'errors.invalid.title',
  401: 'errors.signedOut.title',
  402: 'errors.payment.title',
  403: 'errors.forbidden.title',
  404: 'errors.missing.title',
  409: 'errors.conflict.title',
  413: 'errors.tooBig.title',
  422: 'errors.invalid.title',
  429: 'errors.tooMany.title',
}

const causes: Record<number, Key> = {
  400: 'errors.invalid.cause',
  401: 'errors.signedOut.cause',
  402: 'errors.payment.cause',
  403: 'errors.forbidden.cause',
  404: 'errors.missing.cause',
  409: 'errors.conflict.cause',
  413: 'errors.tooBig.cause',
  422: 'errors.invalid.cause',
}

// What PocketBase and our routes say when the role alone is the reason; our own words are better then.
const unspecific = /^(You are not allowed|The authorized record|Only superusers|Your role does not allow|Forbidden|Something went wrong)/i

/** Turns anything that was thrown into a Problem. */
export function problem(error: unknown, t: T): Problem {
  if (error instanceof ClientResponseError) return fromServer(error, t)
  const base = { status: 0, fields: {}, aborted: false }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { ...base, title: t('errors.unexpected.title'), cause: '', code: 'aborted', retryable: true, aborted: true }
  }
  if (isCodeMissing(error) && !isReachable()) {
    return { ...base, title: t('errors.offline.title'), cause: t('errors.offline.cause'), code: 'offline', retryable: true }
  }
  if (isCodeMissing(error)) {
    return { ...base, title: t('errors.newVersion.title'), cause: t('errors.newVersion.cause'), code: 'new_version', retryable: true }
  }
  return { ...base, title: t('errors.unexpected.title'), cause: t('errors.unexpected.cause'), code: 'unexpected', retryable: true }
}

function fromServer(error: ClientResponseError, t: T): Problem {
  const { status } = error
  const body = error.response as Record<string | symbol, unknown>
  const facts = (body[factsKey] ?? {}) as AnswerFacts
  const fields = fieldErrors(body, t)
  if (status === 0) {
    return {
      title: t('errors.offline.title'), cause: t('errors.offline.cause'), code: error.isAbort ? 'aborted' : 'offline',
      status, retryable: true, fields, aborted: error.isAbort,
    }
  }
  const spoken = sentence(body)
  const particular = (status === 403 || status === 409) && spoken !== '' && !unspecific.test(spoken)
  // Of what is not there, only our own routes say more than that: that nothing is kept about a number, say.
  const missed = status === 404 && code(body) !== undefined && spoken !== '' && !/^(there (is|are) no|the requested resource)/i.test(spoken)
  const provider = status === 502 && /^the phone provider/i.test(spoken)
  const titleKey = particular ? 'errors.refused.title' : provider ? 'errors.provider.title' : titles[status] ?? (status >= 500 ? 'errors.server.title' : 'errors.unexpected.title')
  let cause = causes[status] ? t(causes[status]) : t(status >= 500 ? 'errors.server.cause' : 'errors.unexpected.cause')
  if (status === 429) cause = facts.retryAfter ? t('errors.tooMany.wait', { count: facts.retryAfter }) : t('errors.tooMany.cause')
  // The server's own sentence is worth more than ours where it can know the reason: wrong input, conflicts, providers.
  else if (spoken && ([400, 402, 422, 502, 503].includes(status) || particular || missed)) cause = said(spoken)
  return {
    title: t(titleKey), cause, code: code(body) ?? `http_${status}`, status, fields, aborted: false,
    retryable: status === 408 || status === 429 || status >= 500,
    ...(facts.requestId && { requestId: facts.requestId }),
    ...(facts.retryAfter && { retryAfter: facts.retryAfter }),
  }
}

/** PocketBase says `message`, the documented routes say `error` (a sentence, or an object with a message). */
function sentence(body: Record<string | symbol, unknown>): string {
  for (const value of [body.message, body.error, (body.error as Record<string, unknown> | undefined)?.message]) {
    if (typeof value === 'string' && value.trim()) return value
  }
  return ''
}

function code(body: Record<string | symbol, unknown>): string | undefined {
  const value = body.code ?? (body.error as Record<string, unknown> | undefined)?.code
  return typeof value === 'string' ? value : undefined
}

function fieldErrors(body: Record<string | symbol, unknown>, t: T): Record<string, string> {
  const fields: Record<string, string> = {}
  // The documented routes name wrong fields in `details`, each with its sentence.
  if (typeof body.details === 'object' && body.details !== null) {
    for (const [name, value] of Object.entries(body.details)) if (typeof value === 'string') fields[name] = said(value)
  }
  if (typeof body.data !== 'object' || body.data === null) return fields
  for (const [name, value] of Object.entries(body.data)) {
    const detail = value as { code?: unknown; message?: unknown } | null
    if (typeof detail?.message !== 'string') continue
    const key = typeof detail.code === 'string' ? fieldMessages[detail.code] : undefined
    fields[name] = key ? t(key) : said(detail.message)
  }
  // What must be there once in an organization is refused at both fields; the organization is nobody's choice.
  if ((body.data as Record<string, { code?: unknown }>).organization?.code === 'validation_not_unique') delete fields.organization
  return fields
}
