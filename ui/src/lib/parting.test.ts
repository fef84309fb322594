import { afterEach, expect, test, vi } from 'vitest'
import { forgetParting, parted, parting } from './parting'
import { pb, sessionEnded, signOut } from './pb'

afterEach(() => {
  forgetParting()
  vi.restoreAllMocks()
})

test('a session that ended is told on the sign-in page, one that was left is not', () => {
  sessionEnded()
  expect(parting()).toBe('ended')
  vi.spyOn(pb, 'send').mockResolvedValue({})
  signOut()
  expect(parting()).toBeUndefined()
})

test('after a restore that is the reason, although the session ended with it', () => {
  parted('restored')
  sessionEnded()
  expect(parting()).toBe('restored')
  forgetParting()
  expect(parting()).toBeUndefined()
})
