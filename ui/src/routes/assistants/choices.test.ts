import { describe, expect, test } from 'vitest'
import { knows, languageName, modelOf, unlisted, voiceOf, voicesOf, type Line } from './choices'

const azure: Line = {
  id: 'azure', name: 'Azure', model: 'no', voices: ['en-US-JennyNeural', 'fr-FR-DeniseNeural', 'andrew'],
  voicesFor: { fr: ['fr-FR-DeniseNeural'], en: ['en-US-JennyNeural'] }, languages: null, speed: { min: 0.5, max: 2 },
}
const eleven: Line = { id: '11labs', name: 'ElevenLabs', model: 'yes', voices: ['sarah'], otherwise: 'turbo', anyLanguage: true, languages: null, speed: null }
const deepgram: Line = { id: 'deepgram', name: 'Deepgram', model: 'yes', models: ['nova-3'], takes: 'nova-3', languages: ['fr', 'en'], speed: null }

describe('the table of what an assistant can be made of', () => {
  test('a voice of the language comes first, and none is left out', () => {
    expect(voicesOf(azure, 'fr-CA')).toEqual(['fr-FR-DeniseNeural', 'en-US-JennyNeural', 'andrew'])
    expect(voicesOf(azure, 'wo')).toEqual(azure.voices)
    expect(voicesOf(undefined, 'fr')).toEqual([])
  })
  test('no voice of another language is taken when nobody chooses', () => {
    expect([voiceOf(azure, 'fr-CA'), voiceOf(azure, 'wo'), voiceOf(azure, ''), voiceOf(eleven, 'wo'), voiceOf(undefined, 'fr')]).toEqual(['fr-FR-DeniseNeural', '', '', 'sarah', ''])
  })
  test('the model that is taken depends on the language', () => {
    expect([modelOf(eleven, 'fr'), modelOf(eleven, 'en-GB'), modelOf(deepgram, 'fr'), modelOf(azure, 'fr'), modelOf(undefined, '')]).toEqual(['turbo', '', 'nova-3', '', ''])
  })
  test('a language is known with its region, and by whoever is not told one', () => {
    expect([knows(deepgram, 'fr-SN'), knows(deepgram, 'wo'), knows(azure, 'wo'), knows(deepgram, ''), knows(undefined, 'wo')]).toEqual([true, false, true, true, true])
  })
  test('only names that a list could have are marked', () => {
    expect([unlisted(['a'], 'b'), unlisted(['a'], 'a'), unlisted(['a'], ''), unlisted([], 'b'), unlisted(undefined, 'b')]).toEqual([true, false, false, false, false])
  })
  test('languages are called as the reader calls them', () => {
    expect([languageName('wo', 'fr'), languageName('fr', 'en'), languageName('no code', 'en')]).toEqual(['Wolof', 'French', 'no code'])
  })
})
