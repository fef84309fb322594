import { beforeEach, expect, test, vi } from 'vitest'

beforeEach(() => vi.resetModules())

const fresh = () => import('./serverTime')

test('a device whose clock is off counts by the server’s', async () => {
  const { serverNow, serverSaid } = await fresh()
  expect(serverNow(5_000)).toBe(5_000)
  serverSaid('Thu, 01 Jan 1970 00:10:00 GMT', 300_000)
  expect(serverNow(301_000)).toBe(601_000)
})

test('an answer that was read late does not turn the clock back', async () => {
  const { serverNow, serverSaid } = await fresh()
  serverSaid('Thu, 01 Jan 1970 00:10:00 GMT', 300_000)
  serverSaid('Thu, 01 Jan 1970 00:10:00 GMT', 320_000)
  expect(serverNow(320_000)).toBe(620_000)
})

test('what is said in whole seconds, or not at all, changes nothing', async () => {
  const { serverNow, serverSaid } = await fresh()
  for (const date of [null, undefined, '', 'soon']) serverSaid(date, 0)
  serverSaid('Thu, 01 Jan 1970 00:00:05 GMT', 5_900)
  expect(serverNow(6_000)).toBe(6_000)
})
