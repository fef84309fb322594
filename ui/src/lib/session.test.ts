import { QueryClient } from '@tanstack/react-query'
import { ClientResponseError } from 'pocketbase'
import { afterEach, expect, test, vi } from 'vitest'
import { keys, remember } from './prefs'
import { lastPlace, placesQuery, saysClosed } from './session'

const organization = (id: string) => ({ id, name: `Desk ${id}` })
const row = (id: string, more: object = {}) => ({ id: `m-${id}`, user: 'me', organization: id, role: 'agent', status: 'active', is_default: false, ...more })

const refused = (code: string) => new ClientResponseError({ url: '', status: 403, response: { error: 'No', code } })

async function placesOf(items: object[]) {
  vi.stubGlobal('fetch', vi.fn(async () => Response.json({ items, page: 1, perPage: 1000 })))
  return new QueryClient().fetchQuery(placesQuery('me'))
}
afterEach(() => {
  vi.unstubAllGlobals()
  remember(keys.organization, '')
})

test('an organization that keeps the person out stays among their places, without a name', async () => {
  const places = await placesOf([row('b', { expand: { organization: organization('b') } }), row('locked', { is_default: true }), row('gone', { status: 'suspended' }), row('a', { expand: { organization: organization('a') } })])
  expect(places.open.map((p) => p.organization)).toEqual(['a', 'b'])
  expect(places.closed.map((p) => p.organization)).toEqual(['locked'])
  expect(places.paused.map((p) => p.organization)).toEqual(['gone'])
  expect(lastPlace(places)?.organization).toBe('a')
})

test('who has no other organization is led to the one that is locked', async () => {
  expect(lastPlace(await placesOf([row('locked')]))?.organization).toBe('locked')
  expect(lastPlace(await placesOf([]))).toBeUndefined()
})

test('an answer that an organization is locked is told from other refusals', () => {
  const words = ['factor_missing', 'foreign_network', 'other_sign_in', 'forbidden']
  expect(words.map((code) => saysClosed(refused(code)))).toEqual([true, true, true, false])
})
