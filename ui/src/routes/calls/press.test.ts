import { ClientResponseError } from 'pocketbase'
import { expect, test } from 'vitest'
import { earlierOf, isSpent } from './press'

const answer = (status: number, response: Record<string, unknown>) => new ClientResponseError({ url: '', status, response })

test('a press keeps its key until the server tells what became of it', () => {
  for (const lost of [answer(0, {}), answer(502, {}), answer(503, {}), answer(504, {}), answer(500, { error: 'Internal server error', code: 'internal' }), new Error('x')]) {
    expect(isSpent(lost)).toBe(false)
  }
  expect(isSpent(answer(502, { error: 'The phone provider refused', code: 'bad_gateway', call: 'c1' }))).toBe(true)
  expect(isSpent(answer(409, { error: 'The call this Idempotency-Key placed was deleted', code: 'conflict' }))).toBe(true)
  expect(isSpent(answer(422, { error: 'This Idempotency-Key placed another call', code: 'invalid' }))).toBe(true)
})

test('the call met in place of a press is told with what is known of it', () => {
  expect(earlierOf(answer(409, { code: 'call_just_placed', call: 'c1' }))).toEqual({ id: 'c1' })
  expect(earlierOf(answer(409, { code: 'call_just_placed', call: 'c1', placing: 'unclear' }))).toEqual({ id: 'c1', placing: 'unclear' })
  expect(earlierOf(answer(409, { code: 'call_just_placed', call: 'c1', placing: 'waiting' }))).toEqual({ id: 'c1', placing: 'waiting' })
  expect(earlierOf(answer(409, { code: 'conflict' }))).toBeUndefined()
})
