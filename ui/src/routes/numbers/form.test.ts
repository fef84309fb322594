import { describe, expect, test } from 'vitest'
import { limits } from '../../lib/pb-types.gen'
import type { NumberDetail } from './data'
import { newBody, newProblems, nameless, releaseKind, releaseText, toForm, toPatch, told, type NewNumber } from './form'
import { readWay, ways } from './search'

const empty: NewNumber = { friendly_name: '', phone_number: '', area_code: '', twilio_account_sid: '', twilio_auth_token: '', assistant: '' }
const sid = `AC${'0a'.repeat(16)}`

describe('adding a number', () => {
  test('every way is a provider the server knows', () => {
    expect([readWay({ way: 'twilio' }), readWay({ way: 'byo' })]).toEqual([{ way: 'twilio' }, {}])
    for (const way of ways) expect(limits.phone_numbers.provider.values).toContain(way)
  })
  test.each([
    ['vapi', { area_code: '415' }, {}],
    ['vapi', { area_code: '115' }, { area_code: 'area' }],
    ['vapi', {}, { area_code: 'area' }],
    ['twilio', {}, { phone_number: 'phone', twilio_account_sid: 'sid', twilio_auth_token: 'required' }],
    ['twilio', { phone_number: '+33 1 23 45 67 89', twilio_account_sid: sid, twilio_auth_token: 'token' }, {}],
    ['other', { phone_number: '01 23 45 67 89' }, { phone_number: 'phone' }],
    ['other', { phone_number: '0033 1 23 45 67 89' }, {}],
  ] as const)('%s %o: %o', (way, values, want) => {
    expect(newProblems(way, { ...empty, ...values })).toEqual(want)
  })
  test('sends only what the way asks for', () => {
    const typed = { friendly_name: ' Main ', phone_number: '+1 (415) 555-0123', area_code: '415', twilio_account_sid: sid, twilio_auth_token: 'token', assistant: 'a' }
    expect(newBody('vapi', typed)).toEqual({ provider: 'vapi', friendly_name: 'Main', assistant: 'a', area_code: '415' })
    expect(newBody('other', typed)).toEqual({ provider: 'other', friendly_name: 'Main', assistant: 'a', phone_number: '+14155550123' })
    expect(newBody('twilio', typed)).toEqual({ provider: 'twilio', friendly_name: 'Main', assistant: 'a', phone_number: '+14155550123', twilio_account_sid: sid, twilio_auth_token: 'token' })
  })
})

describe('the form of a number', () => {
  const record = {
    id: 'n', phone_number: '+33123456789', friendly_name: 'Main', provider: 'twilio', status: 'active', assistant: 'a', area_code: '', fallback_number: '+33600000000', sync_status: 'synced',
    sync_error: '', created: '', country_code: 'FR', fallback_message: '', twilio_account_sid: sid, sip_uri: '', synced_at: '', vapi_phone_id: 'p1', twilio_auth_token_set: true,
  } satisfies NumberDetail
  const base = toForm(record)

  test('an unchanged form sends nothing and keeps the token', () => {
    expect(toPatch(base, { ...base })).toEqual({})
  })
  test('sends what changed, as it is stored', () => {
    expect(toPatch(base, { ...base, assistant: '', fallback_number: '+33 6 11 11 11 11 ', twilio_auth_token: 'new' })).toEqual({ assistant: '', fallback_number: '+33611111111', twilio_auth_token: 'new' })
  })
  test('releasing asks for the number as shown', () => {
    expect([releaseText(record), releaseText({ ...record, phone_number: '' }), releaseText({ ...record, phone_number: '', friendly_name: '' })]).toEqual(['+33\u00a01\u00a023\u00a045\u00a067\u00a089', 'Main', undefined])
  })
  test('a number that was not ordered is no number on its way, and nothing is given back', () => {
    const refused = { ...record, provider: 'vapi', phone_number: '', vapi_phone_id: '', sync_status: 'failed' } as const
    expect([nameless(refused), releaseKind(refused), releaseText(refused)]).toEqual(['numbers.unordered', 'refused', undefined])
    const coming = { ...refused, sync_status: 'pending' } as const
    expect([nameless(coming), releaseKind(coming)]).toEqual(['numbers.pendingNumber', 'vapi'])
    expect([releaseKind(record), releaseKind({ ...refused, provider: 'other' })]).toEqual(['carrier', 'other'])
  })
})

test.each([
  ['being set up is one word', { status: 'pending', sync_status: 'synced' }, { status: true, sync: false }],
  ['also while the provider is asked', { status: 'pending', sync_status: 'pending' }, { status: true, sync: false }],
  ['what it waits for is told instead', { status: 'pending', sync_status: 'pending', sync_error: 'Held.' }, { status: true, sync: true }],
  ['what failed is not being set up', { status: 'pending', sync_status: 'failed' }, { status: false, sync: true }],
  ['what goes away does nothing else', { status: 'active', sync_status: 'deleting' }, { status: false, sync: true }],
  ['what answers says both', { status: 'active', sync_status: 'synced' }, { status: true, sync: true }],
] as const)('a number’s states: %s', (_, over, wanted) => {
  expect(told({ provider: 'vapi', vapi_phone_id: 'p1', sync_error: '', ...over })).toEqual(wanted)
})
