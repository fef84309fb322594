import { renderHook } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { mailOf, mayWork, useLinkToken } from './token'

let hash = ''
vi.mock('@tanstack/react-router', () => ({
  useLocation: ({ select }: { select: (at: { hash: string }) => string }) => select({ hash }),
}))

const jwt = (claims: object) => `x.${btoa(JSON.stringify(claims))}.y`

test('a link’s token stays the page’s while the next page is on its way; another link is another one', () => {
  hash = 'token=one'
  const { result, rerender } = renderHook(() => useLinkToken())
  expect(result.current).toBe('one')
  hash = '' // the address is the next page's already
  rerender()
  expect(result.current).toBe('one')
  hash = 'token=two'
  rerender()
  expect(result.current).toBe('two')
})

test('what is no token or is over is told without asking', () => {
  const now = 1_800_000_000_000
  expect(['', 'a.b.c', 'nothing'].map((token) => mayWork(token, now))).toEqual([false, false, false])
  expect([
    mayWork(jwt({ exp: now / 1000 - 1 }), now),
    mayWork(jwt({ exp: now / 1000 + 1 }), now),
    mayWork(jwt({}), now),
  ]).toEqual([false, true, true])
  expect([mailOf(jwt({ email: 'ada@north.test' })), mailOf('x')]).toEqual(['ada@north.test', ''])
})
