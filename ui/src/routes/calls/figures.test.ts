import { expect, test } from 'vitest'
import { billLines, dollars, shares, waits } from './figures'

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

test('a bill is read line by line; what is not a line is left out', () => {
  expect(billLines([
    { type: 'transport', provider: 'twilio', minutes: 0.5167, cost: 0.0044 },
    { type: 'model', provider: 'openai', model: 'gpt-4o-mini', promptTokens: 1184, completionTokens: 131, cost: 0.0003 },
    { type: 'voice', provider: 'vapi', characters: 204, cost: 0.01 },
    { type: 'analysis', analysisType: 'summary', promptTokens: 0, completionTokens: 0, cost: 0 },
    null, 7, { type: 'vapi' }, { cost: 1 },
  ])).toEqual([
    { type: 'transport', kind: '', by: 'twilio', used: { unit: 'minutes', amount: 0.5167 }, cost: 0.0044 },
    { type: 'model', kind: '', by: 'openai · gpt-4o-mini', used: { unit: 'tokens', amount: 1315 }, cost: 0.0003 },
    { type: 'voice', kind: '', by: 'vapi', used: { unit: 'characters', amount: 204 }, cost: 0.01 },
    { type: 'analysis', kind: 'summary', by: '', used: undefined, cost: 0 },
  ])
  for (const items of [undefined, null, {}, 'x']) expect(billLines(items)).toEqual([])
})
