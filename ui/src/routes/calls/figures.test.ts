import { expect, test } from 'vitest'
import { dollars, shares, waits } from './figures'

test('a bill shows what cost something, the largest first, without its total', () => {
  expect(shares({ llm: 0.02, tts: 0.05, vapi: 0, total: 0.07 })).toEqual([{ id: 'tts', value: 0.05 }, { id: 'llm', value: 0.02 }])
  expect(shares(undefined)).toEqual([])
})

test('small amounts keep the digits that matter', () => {
  expect([dollars(0.0034), dollars(1.2345), dollars(0)]).toEqual(['$0.0034', '$1.23', '$0.00'])
})

test('latencies that were not measured are not shown', () => {
  expect(waits({ turnLatencyAverage: 1100, modelLatencyAverage: 700, voiceLatencyAverage: 0 })).toEqual({ turn: 1100, parts: [{ id: 'model', value: 700 }] })
  expect(waits({ modelLatencyAverage: 700 })).toBeUndefined()
  expect(waits(null)).toBeUndefined()
})
