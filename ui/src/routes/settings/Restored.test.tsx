import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { ConfirmHost } from '../../components/confirm'
import { I18nProvider, needWords } from '../../lib/i18n'
import { installationQuery } from '../setup/Connections'
import { Restored } from './Restored'

vi.mock('../../lib/api', async (original) => ({
  ...(await original<object>()),
  api: { post: (path: string, body: object) => post(path, body) },
}))
const post = vi.fn<(path: string, body: object) => Promise<unknown>>()
beforeAll(() => needWords('people'))
beforeEach(() => post.mockReset().mockResolvedValue(undefined))
afterEach(cleanup)

function show(held: boolean) {
  const queries = new QueryClient({
    defaultOptions: { queries: { staleTime: Infinity, retry: false }, mutations: { networkMode: 'always' } },
  })
  queries.setQueryData(installationQuery.queryKey, { restored: { held } } as never)
  vi.spyOn(queries, 'invalidateQueries').mockResolvedValue()
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <QueryClientProvider client={queries}>
          <Restored />
          <ConfirmHost />
        </QueryClientProvider>
      </I18nProvider>
    </MantineProvider>,
  )
  return queries
}

test('nothing waits where nothing was restored', () => {
  show(false)
  expect(screen.queryByRole('alert')).toBeNull()
})

/** Presses the panel's button and one of the question's. */
async function answer(name: string) {
  await userEvent.click(screen.getByRole('button', { name: 'No other server uses it' }))
  const dialog = await screen.findByRole('dialog')
  await userEvent.click(within(dialog).getByRole('button', { name }))
}

test('a restored database is not confirmed without the answer to a question', async () => {
  show(true)
  await answer('Cancel')
  expect(post).not.toHaveBeenCalled()
  expect(screen.getByRole('alert')).toBeDefined()
})

test('and with it once, and is looked at again', async () => {
  const queries = show(true)
  await answer('No other server uses it')
  await waitFor(() => expect(queries.invalidateQueries).toHaveBeenCalledWith({ queryKey: installationQuery.queryKey }))
  expect(post).toHaveBeenCalledExactlyOnceWith('/api/installation/restored/confirm', {})
})
