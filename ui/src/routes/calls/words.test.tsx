import { expect, test } from 'vitest'
import { cameTo } from './words'

test.each([
  ['a caller who gives up has hung up', { outcome: 'cancelled', answered: false, call_type: 'inbound' }, 'hung_up'],
  ['a call of ours that is taken back is cancelled', { outcome: 'cancelled', answered: false, call_type: 'outbound' }, 'cancelled'],
  ['a call in good order without words was not answered', { outcome: 'completed', answered: false, call_type: 'inbound' }, 'unanswered'],
] as const)('%s', (_, call, word) => {
  expect(cameTo(call as never)).toBe(word)
})
