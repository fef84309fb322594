import { expect, test } from 'vitest'
import { admits, readNetworks } from './networks'

test('networks are read and nonsense is named', () => {
  expect(readNetworks('203.0.113.7\n10.0.0.0/8, 2001:db8::/48 ::1')).toEqual({ networks: ['203.0.113.7', '10.0.0.0/8', '2001:db8::/48', '::1'], wrong: [] })
  expect(readNetworks('300.1.1.1 10.0.0.0/33 office 1:2:3 :::: 1::2::3').wrong).toEqual(['300.1.1.1', '10.0.0.0/33', 'office', '1:2:3', '::::', '1::2::3'])
})

test.each([
  ['10.0.0.0/8', '10.200.3.4', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['203.0.113.7', '203.0.113.7', true],
  ['203.0.113.7', '::ffff:203.0.113.7', true],
  ['2001:db8::/48', '2001:db8:0:1::5', true],
  ['2001:db8::/48', '2001:db9::5', false],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['10.0.0.0/8', 'unknown', false],
])('%s admits %s: %s', (network, address, expected) => {
  expect(admits([network], address)).toBe(expected)
})
