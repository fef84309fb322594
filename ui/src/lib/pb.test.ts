import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pb, withNewSession } from './pb'

const exp = Date.now() / 1000 + 60
const token = (id: string) => `a.${btoa(JSON.stringify({ id, exp }))}.c`
const dead = { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Bearer error="invalid_token"' }
const answer = (headers: Record<string, string>, before?: () => void) => vi.stubGlobal('fetch', async () => {
  before?.()
  return new Response('{"items":[]}', { headers })
})

beforeEach(() => pb.authStore.save(token('one'), null))
afterEach(() => {
  vi.unstubAllGlobals()
  pb.authStore.clear()
})

test('a session that is worth nothing ends here too', async () => {
  answer({ 'Content-Type': 'application/json' })
  await pb.send('/api/x', {})
  expect(pb.authStore.token).toBe(token('one'))
  answer(dead)
  await pb.send('/api/x', {})
  expect(pb.authStore.token).toBe('')
})

test('what was asked with the session before says nothing about the new one', async () => {
  answer(dead, () => pb.authStore.save(token('two'), null))
  await pb.send('/api/x', {})
  expect(pb.authStore.token).toBe(token('two'))
})

test('nobody is signed out while the session is being replaced', async () => {
  answer(dead)
  await withNewSession(async () => {
    await pb.send('/api/x', {})
    expect(pb.authStore.token).toBe(token('one'))
    pb.authStore.save(token('two'), null)
  })
  expect(pb.authStore.token).toBe(token('two'))
  await pb.send('/api/x', {})
  expect(pb.authStore.token).toBe('')
})

test('the server is asked in the language of the page', async () => {
  const asked: (string | null)[] = []
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get('Accept-Language'))
    return new Response('{}', { headers: { 'Content-Type': 'application/json' } })
  })
  await pb.send('/api/x', {})
  document.documentElement.lang = 'fr'
  await pb.send('/api/x', {})
  document.documentElement.lang = ''
  expect(asked).toEqual(['en', 'fr'])
})
