import fs from 'node:fs'
import path from 'node:path'
import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { homeQuery, lastCallsQuery } from '../routes/home/data'
import { api } from './api'
import { deskQuery } from './desk'
import { pb } from './pb'
import { placesQuery } from './session'

const boot = fs.readFileSync(path.resolve(import.meta.dirname, '../../public/boot.js'), 'utf8')
const org = 'organization001'
const answers: Record<string, unknown> = { items: [], next: '', page: 1, perPage: 1000 }
let asked: string[]

const token = (seconds: number) => `e30.${btoa(JSON.stringify({ exp: Date.now() / 1000 + seconds }))}.x`

/** Runs boot.js as the browser does at this address. */
function arrive(address: string, seconds?: number): void {
  if (seconds !== undefined) localStorage.setItem('pocketline.session', JSON.stringify({ token: token(seconds), record: { id: 'me' } }))
  window.history.replaceState(null, '', address)
  // oxlint-disable-next-line no-implied-eval -- it is a file of ours, run as a script
  new Function(boot)()
}

beforeEach(() => {
  asked = []
  vi.stubGlobal('fetch', vi.fn(async (url: string) => {
    asked.push(new URL(url, window.location.origin).pathname)
    return Response.json(answers)
  }))
})
afterEach(() => {
  vi.unstubAllGlobals()
  delete window.pocketlineEarly
  window.history.replaceState(null, '', '/')
})

test('what home needs is asked for once, before the application is there', async () => {
  arrive(`/o/${org}/home`, 3600)
  const early = [...asked]
  expect(early).toEqual(['/api/desk', '/api/collections/memberships/records', `/api/organizations/${org}/home`, `/api/organizations/${org}/calls`])
  const queries = new QueryClient()
  await Promise.all([
    queries.fetchQuery(deskQuery), queries.fetchQuery(placesQuery('me')), queries.fetchQuery(homeQuery(org)), queries.fetchQuery(lastCallsQuery(org)),
  ])
  expect(asked).toEqual(early)
})

test('an early answer is used once; the next question goes to the server', async () => {
  arrive('/login')
  await api.get('/api/desk')
  await api.get('/api/desk')
  expect(asked).toEqual(['/api/desk', '/api/desk'])
})

test('an early question that failed is asked again', async () => {
  vi.mocked(fetch).mockRejectedValueOnce(new TypeError('no network'))
  arrive('/login')
  await expect(api.get('/api/desk')).resolves.toEqual(answers)
})

test('another person never gets what was asked for early', async () => {
  arrive(`/o/${org}/home`, 3600)
  pb.authStore.save(token(60), { id: 'somebody else' } as never)
  await api.get(`/api/organizations/${org}/home`)
  expect(asked.filter((one) => one.endsWith('/home'))).toHaveLength(2)
  pb.authStore.clear()
})

test('who may not see calls is not refused them at each visit', () => {
  localStorage.setItem('pocketline.unheard', org)
  arrive(`/o/${org}/home`, 3600)
  expect(asked).toEqual(['/api/desk', '/api/collections/memberships/records'])
})

test.each([
  ['a guest', `/o/${org}/home`, undefined],
  ['an ended session', `/o/${org}/home`, -60],
  ['a page for guests', '/reset/token', 3600],
])('%s asks for nothing of an organization', (_, address, seconds) => {
  arrive(address, seconds)
  expect(asked).toEqual(['/api/desk'])
})
