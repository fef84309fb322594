import { describe, expect, test } from 'vitest'
import { limits } from '../../lib/pb-types.gen'
import { formFields, type Assistant } from './data'
import { saidBy, tabOf, tabs, toForm, toPatch } from './form'
import { isTab, readAssistantsSearch, statuses, tabNames } from './search'

const stored = {
  id: 'a', type: 'voice', status: 'active', sync_status: 'synced', sync_error: '', synced_at: '', created: '', name: 'Ava', description: '', language: 'fr', personality: '',
  system_prompt: 'Be brief.', first_message: 'Bonjour', model_provider: 'openai', model_name: 'gpt-4.1-mini', model_temperature: 0, model_max_tokens: 0,
  voice_provider: 'vapi', voice_id: 'Elliot', voice_model: '', voice_speed: 1.1, voice_stability: 0, transcriber_provider: 'deepgram', transcriber_model: 'nova-3',
  transcriber_language: '', functions: ['f1'], forwarding_phone_number: '', end_call_message: '', voicemail_message: '', end_call_phrases: null,
  max_duration_seconds: 600, silence_timeout_seconds: 0, recording_enabled: true, end_call_disabled: false,
} satisfies Assistant

describe('the form of an assistant', () => {
  test('0 reads as "the provider decides", but a temperature of 0 is a choice', () => {
    const form = toForm(stored)
    expect([form.model_max_tokens, form.voice_stability, form.silence_timeout_seconds, form.model_temperature, form.voice_speed]).toEqual(['', 0, '', 0, 1.1])
    expect(form.end_call_phrases).toEqual([])
  })
  test('a number nobody wishes stays empty, and is emptied with null', () => {
    const form = toForm({ ...stored, model_temperature: null, voice_stability: null } as unknown as Assistant)
    expect([form.model_temperature, form.voice_stability, toPatch(form, form)]).toEqual(['', '', {}])
    expect(toPatch(toForm(stored), { ...toForm(stored), voice_stability: '' })).toEqual({ voice_stability: null })
  })
  test('an unchanged form sends nothing', () => {
    expect(toPatch(toForm(stored), toForm(stored))).toEqual({})
  })
  test('sends what changed, as it is stored', () => {
    const form = toForm(stored)
    expect(toPatch(form, { ...form, name: ' Léa ', voice_speed: '', end_call_phrases: ['au revoir'], forwarding_phone_number: '+33 1 23 45 67 89', functions: [] }))
      .toEqual({ name: 'Léa', voice_speed: 0, end_call_phrases: ['au revoir'], forwarding_phone_number: '+33123456789', functions: [] })
  })
  test('a prompt keeps its line breaks', () => {
    const form = toForm(stored)
    expect(toPatch(form, { ...form, system_prompt: 'Be brief.\n' })).toEqual({ system_prompt: 'Be brief.\n' })
  })
})

describe('tabs', () => {
  test('every field is on exactly one tab', () => {
    expect(Object.values(tabs).flat().toSorted()).toEqual([...formFields].toSorted())
    for (const field of formFields) expect(tabOf(field), field).toBeDefined()
  })
  test('only names of tabs are tabs', () => {
    expect([tabNames.every(isTab), isTab('toString'), isTab(undefined)]).toEqual([true, false, false])
  })
})

describe('the address', () => {
  test('what is no filter is left out', () => {
    expect([{ q: 12, status: 'active' }, { q: '', status: 'gone' }, { q: {} }].map(readAssistantsSearch)).toEqual([{ q: '12', status: 'active' }, {}, {}])
  })
  test('offers the statuses the server has', () => {
    expect([...statuses]).toEqual([...limits.assistants.status.values])
  })
})

test('a line of a call leads to the field that said it, else to the instructions', () => {
  const spoken = { first_message: 'Marlow Dental, good morning!', end_call_message: 'Goodbye.', voicemail_message: '' }
  expect(saidBy('Marlow dental, good morning', spoken)).toBe('first_message')
  expect(saidBy('Goodbye!', spoken)).toBe('end_call_message')
  expect(saidBy('A check-up is sixty dollars.', spoken)).toBe('system_prompt')
})
