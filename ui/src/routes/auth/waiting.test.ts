import { ClientResponseError } from 'pocketbase'
import { expect, test } from 'vitest'
import { waitingOf } from './waiting'

const refused = (status: number, data: object) => new ClientResponseError({ url: '', status, data: data as Record<string, unknown> })

test('a sign-in that waits for its second factor is told from a failed one', () => {
  expect(waitingOf(refused(401, { ticket: 'abc', methods: ['totp', 5] }))).toEqual({ ticket: 'abc', methods: ['totp'] })
  expect(waitingOf(refused(401, { mfaId: 'abc' }))).toEqual({ ticket: 'abc', methods: [] })
  expect(waitingOf(refused(401, { message: 'no' }))).toBeUndefined()
  expect(waitingOf(refused(400, { ticket: 'abc' }))).toBeUndefined()
  expect(waitingOf(new Error('no'))).toBeUndefined()
})
