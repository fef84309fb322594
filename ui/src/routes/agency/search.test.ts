import { expect, test } from 'vitest'
import { isIn, readAgencySearch, stateOf } from './search'

test('the address keeps what is a choice and drops the rest', () => {
  expect(readAgencySearch({ q: 42, state: 'paused', sort: '-calls', page: 2 })).toEqual({ q: '42', state: 'paused', sort: '-calls' })
  expect(readAgencySearch({ q: '', state: 'asleep', sort: '--calls' })).toEqual({})
  expect(readAgencySearch({ sort: 'colour' })).toEqual({})
})

const client = (change: Partial<Parameters<typeof isIn>[1]> = {}) => ({ status: 'active', paused: false, attention: [], ...change }) as Parameters<typeof isIn>[1]

test('a client that is closed or suspended is not also paused', () => {
  expect(stateOf(client({ status: 'suspended', paused: true }))).toBe('suspended')
  expect(stateOf(client({ paused: true }))).toBe('paused')
  expect(stateOf(client({ status: '' }))).toBe('active')
})

test('who needs somebody is found whatever its state', () => {
  const clients = [client(), client({ attention: ['no_number'] }), client({ paused: true, attention: ['paused'] })]
  expect(clients.map((one) => isIn('attention', one))).toEqual([false, true, true])
  expect(clients.map((one) => isIn('active', one))).toEqual([true, true, false])
  expect(clients.map((one) => isIn(undefined, one))).toEqual([true, true, true])
})
