import { ClientResponseError } from 'pocketbase'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { problem } from './errors'
import { t } from './i18n'
import { pb } from './pb'

const answer = (status: number, data: Record<string, unknown> = {}) => new ClientResponseError({ url: '/x', status, data })

const missed = (data: Record<string, unknown>) => problem(answer(404, data), t).cause

describe('problem', () => {
  test.each([
    ['no connection', answer(0), 'offline', true, 'No connection'],
    ['signed out', answer(401), 'http_401', false, 'You are signed out'],
    ['forbidden', answer(403, { message: 'Only superusers.' }), 'http_403', false, 'Not for your role'],
    ['missing', answer(404), 'http_404', false, 'Nothing here'],
    ['conflict', answer(409), 'http_409', false, 'Changed by someone else'],
    ['conflict with a reason of its own', answer(409, { message: 'This is the last owner.' }), 'http_409', false, 'This is refused'],
    ['too many', answer(429), 'http_429', true, 'Too many requests'],
    ['server', answer(500, { message: 'panic at line 12' }), 'http_500', true, 'The server had a problem'],
    ['a file of an old version', new TypeError('Failed to fetch dynamically imported module: /assets/a.js'), 'new_version', true, 'A new version was installed'],
    ['a bug', new Error('x is undefined'), 'unexpected', true, 'Something went wrong'],
    ['not even an error', 'boom', 'unexpected', true, 'Something went wrong'],
  ])('%s', (_name, error, code, retryable, title) => {
    const found = problem(error, t)
    expect({ code: found.code, retryable: found.retryable, title: found.title }).toEqual({ code, retryable, title })
    expect(found.cause).not.toBe('')
  })

  test('what must be there once in an organization is refused at the field a person can change', () => {
    const taken = { code: 'validation_not_unique', message: 'Value must be unique.' }
    const { fields } = problem(answer(400, { data: { organization: taken, shortcut: taken } }), t)
    expect(fields).toEqual({ shortcut: 'This is already in use.' })
  })

  test('inner details of a failed server are not shown, a provider’s words are', () => {
    expect(problem(answer(500, { message: 'panic at line 12' }), t).cause).not.toContain('panic')
    expect(problem(answer(502, { message: 'Vapi: assistant name is too long.' }), t).cause).toBe('Vapi: assistant name is too long.')
  })

  test('a refusal of the phone provider is not headed as this server’s trouble, and says no more than people need', () => {
    const values = Array.from({ length: 30 }, (_, i) => `gpt-${i}`).join(', ')
    const found = problem(answer(502, { error: `The phone provider refused: vapi: model.model must be one of the following values: ${values}… (400)` }), t)
    expect(found.title).toBe('It did not work at the phone provider')
    expect(found.cause).toBe('The phone provider refused: the model must be one of these: gpt-0, gpt-1, gpt-2, gpt-3, gpt-4, …')
    expect(problem(answer(502, { error: 'The phone provider did not answer; try again in a minute' }), t).title).toBe('It did not work at the phone provider')
    expect(problem(answer(502), t).title).toBe('The server had a problem')
    expect(problem(answer(502, { error: 'The mail could not be sent' }), t).title).toBe('The server had a problem')
  })

  test('the documented routes’ error shapes are read', () => {
    expect(problem(answer(409, { error: 'Number is taken.' }), t).cause).toBe('Number is taken.')
    expect(problem(answer(400, { error: { code: 'bad_country', message: 'No such country.' } }), t)).toMatchObject({ code: 'bad_country', cause: 'No such country.' })
  })

  test('what is not there is said in a route’s own words where they say more than that', () => {
    expect(missed({ error: 'Nothing is kept about this number', code: 'not_found' })).toBe('Nothing is kept about this number')
    const ours = missed({})
    expect(missed({ error: 'There is no such call', code: 'not_found' })).toBe(ours)
    const stock = 'The requested resource wasn\'t found'
    expect(missed({ status: 404, message: `${stock}.`, error: stock, code: 'not_found' })).toBe(ours)
  })

  test('field errors are in the reader’s words when the code is known', () => {
    const found = problem(answer(400, { message: 'Failed.', data: { email: { code: 'validation_not_unique', message: 'Value must be unique.' }, trade: { code: 'x', message: 'Pick one.' } } }), t)
    expect(found.fields).toEqual({ email: 'This is already in use.', trade: 'Pick one.' })
  })

  test('a cancelled request is nobody’s problem', () => {
    expect(problem(new ClientResponseError({ url: '/x', isAbort: true }), t).aborted).toBe(true)
    expect(problem(new DOMException('stop', 'AbortError'), t).aborted).toBe(true)
  })
})

describe('a failed answer of the client', () => {
  afterEach(() => vi.unstubAllGlobals())

  test('keeps the request id and the time to wait', async () => {
    vi.stubGlobal('fetch', async () => new Response('{"message":"Slow down."}', { status: 429, headers: { 'x-request-id': 'r1', 'retry-after': '7' } }))
    const error: unknown = await pb.send('/api/x', { method: 'GET' }).catch((e: unknown) => e)
    expect(problem(error, t)).toMatchObject({ requestId: 'r1', retryAfter: 7, cause: 'Wait 7 seconds, then try again.' })
  })
})
