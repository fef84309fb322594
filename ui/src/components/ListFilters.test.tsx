import { MantineProvider } from '@mantine/core'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, test, vi } from 'vitest'
import { I18nProvider, setLanguage } from '../lib/i18n'
import { ListFilters } from './ListFilters'

afterEach(() => vi.restoreAllMocks())

async function show(narrow: boolean, active: number) {
  await setLanguage('en')
  vi.spyOn(window, 'matchMedia').mockImplementation(
    (media) => Object.assign(new EventTarget(), { matches: narrow, media }) as unknown as MediaQueryList,
  )
  const onClear = vi.fn()
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <ListFilters
          label="Find calls"
          active={active}
          onClear={onClear}
          search={<input aria-label="Search" />}
          beside={<button>Views</button>}
        >
          <input aria-label="Outcome" />
        </ListFilters>
      </I18nProvider>
    </MantineProvider>,
  )
  return onClear
}

test('on a phone the filters are behind one button that counts those set', async () => {
  const onClear = await show(true, 2)
  expect(screen.getByRole('textbox', { name: 'Search' })).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Views' })).toBeTruthy()
  expect(screen.queryByRole('textbox', { name: 'Outcome' })).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: /^Filters\s*2$/ }))
  expect(await screen.findByRole('dialog', { name: 'Filters' })).toBeTruthy()
  expect(screen.getByRole('textbox', { name: 'Outcome' })).toBeTruthy()
  await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }))
  expect(onClear).toHaveBeenCalledOnce()
  await userEvent.click(screen.getByRole('button', { name: 'Show the list' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
})

test('on a phone without filters set nothing is counted', async () => {
  await show(true, 0)
  expect(screen.getByRole('button', { name: 'Filters' }).textContent).toBe('Filters')
})

test('on a wide screen they stand beside the search', async () => {
  await show(false, 1)
  expect(screen.getByRole('textbox', { name: 'Outcome' })).toBeTruthy()
  expect(screen.queryByRole('button', { name: /^Filters/ })).toBeNull()
  expect(screen.getByRole('button', { name: 'Clear filters' })).toBeTruthy()
})
