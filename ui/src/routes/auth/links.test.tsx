import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, expect, test, vi } from 'vitest'
import { needWords } from '../../lib/i18n'
import { ConfirmEmailPage } from './ConfirmEmailPage'
import { VerifyPage } from './VerifyPage'

let hash = ''
vi.mock('@tanstack/react-router', async (original) => ({
  ...await original<object>(),
  useLocation: ({ select }: { select: (at: { hash: string }) => string }) => select({ hash }),
  Link: ({ to, children }: { to: string; children: ReactNode }) => <a href={to}>{children}</a>,
}))
vi.mock('../../lib/session', () => ({ useMe: () => undefined }))
vi.mock('./GuestPage', () => ({
  GuestPage: ({ text, children }: { text?: string; children: ReactNode }) => <main>{text}{children}</main>,
}))

const jwt = (claims: object) => `x.${btoa(JSON.stringify(claims))}.y`
const show = async (page: ReactNode) => {
  await needWords('people')
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>{page}</QueryClientProvider>
    </MantineProvider>,
  )
}
afterEach(cleanup)

test.each(['abc', jwt({ exp: 1, newEmail: 'ada@north.test', email: 'ada@north.test' }), ''])(
  'a link that cannot work says so: %s',
  async (token) => {
    for (const page of [<ConfirmEmailPage key="c" />, <VerifyPage key="v" />]) {
      hash = `token=${token}`
      // oxlint-disable-next-line no-await-in-loop -- one page after the other
      await show(page)
      expect(screen.getByRole('alert').textContent).toContain('auth.expired.title')
      expect(document.querySelector('input')).toBeNull()
      cleanup()
    }
  },
)

test('a whole link asks for its password, or for the click', async () => {
  hash = `token=${jwt({ newEmail: 'ada@north.test' })}`
  await show(<ConfirmEmailPage />)
  expect(document.querySelector('input[type=password]')).not.toBeNull()
  cleanup()
  hash = `token=${jwt({ email: 'ada@north.test' })}`
  await show(<VerifyPage />)
  expect(screen.queryByRole('alert')).toBeNull()
})
