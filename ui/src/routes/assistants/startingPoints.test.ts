import { describe, expect, test } from 'vitest'
import { limits, trades } from '../../lib/pb-types.gen'
import { startingPoint, voiceFor } from './startingPoints'

const cases = trades.filter((trade) => trade !== 'other').flatMap((trade) => (['en', 'fr'] as const).map((language) => ({ trade, language })))
// An organization's longest name must still fit every field.
const business = 'B'.repeat(limits.organizations.name.max)

describe('starting points', () => {
  test.each(cases)('$trade in $language fits what the server accepts', ({ trade, language }) => {
    const point = startingPoint(trade, language, business)!
    const max = limits.assistants
    const sizes: [string, number][] = [
      [point.name, max.name.max], [point.description, max.description.max], [point.greeting, max.first_message.max],
      [point.prompt, max.system_prompt.max], [point.personality, max.personality.max], [point.goodbye, max.end_call_message.max],
    ]
    for (const [text, most] of sizes) {
      expect(text.length).toBeGreaterThan(2)
      expect(text.length).toBeLessThanOrEqual(most)
      expect(text).not.toMatch(/[{}]/)
    }
    for (const phrase of point.endCallPhrases) expect(phrase.length >= 2 && phrase.length <= 140).toBe(true)
    expect(point.prompt).toContain(business)
  })
  test('a voice is one the server takes', () => {
    for (const provider of Object.values(voiceFor)) expect(limits.assistants.voice_provider.values).toContain(provider)
  })
})
