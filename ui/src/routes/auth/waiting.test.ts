import { ClientResponseError } from 'pocketbase'
import { expect, test } from 'vitest'
import { t } from '../../lib/i18n'
import { endedWords, waitingOf } from './waiting'

const refused = (status: number, data: object) => new ClientResponseError({ url: '', status, data: data as Record<string, unknown> })

test('a sign-in that waits for its second factor is told from a failed one', () => {
  expect(waitingOf(refused(401, { ticket: 'abc', methods: ['totp', 5] }))).toEqual({ ticket: 'abc', methods: ['totp'] })
  expect(waitingOf(refused(401, { mfaId: 'abc' }))).toEqual({ ticket: 'abc', methods: [] })
  expect(waitingOf(refused(401, { message: 'no' }))).toBeUndefined()
  expect(waitingOf(refused(400, { ticket: 'abc' }))).toBeUndefined()
  expect(waitingOf(new Error('no'))).toBeUndefined()
})

test('a proof of the address names all that ended, and nothing that was not there', () => {
  const half = waitingOf(refused(401, { ticket: 'abc', password_ended: true, factor_ended: true, keys_ended: false }))
  expect(half?.ended?.factor_ended).toBe(true)
  expect(endedWords(undefined, t)).toBe('')
  expect(endedWords({ factor_ended: true }, t)).toBe('')
  expect(endedWords({ password_ended: true }, t)).not.toMatch(/factor|keys/)
  expect(endedWords({ password_ended: true, factor_ended: true, keys_ended: true }, t)).toMatch(/password.*factor.*keys/)
})
