import { MantineProvider } from '@mantine/core'
import { fireEvent, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeAll, expect, test } from 'vitest'
import { I18nProvider, needWords } from '../lib/i18n'
import { Transcript } from './Transcript'

beforeAll(() => needWords('calls'))

const lines = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ key: `${i}`, line: { role: 'user' as const, who: 'Cleo', content: `line ${i}` } }))
const page = (n: number, stick: boolean) => (
  <MantineProvider env="test">
    <I18nProvider><Transcript label="Transcript" rows={lines(n)} stick={stick} /></I18nProvider>
  </MantineProvider>
)

/** A frame of 100 px that holds 500. */
function frame(): HTMLElement {
  const el = screen.getByRole('region', { name: 'Transcript' })
  Object.defineProperties(el, { scrollHeight: { value: 500 }, clientHeight: { value: 100 } })
  return el
}

test('who reads what was said before is left there, and one press leads to the newest line', async () => {
  const { rerender } = render(page(5, true))
  const el = frame()
  el.scrollTop = 50
  fireEvent.scroll(el)
  rerender(page(6, true))
  expect(el.scrollTop).toBe(50)
  await userEvent.click(screen.getByRole('button', { name: 'Newest line' }))
  expect(el.scrollTop).toBe(500)
  expect(document.activeElement).toBe(el)
  fireEvent.scroll(el)
  expect(screen.queryByRole('button', { name: 'Newest line' })).toBeNull()
})

test('a call that is over has no newest line', () => {
  render(page(5, false))
  const el = frame()
  el.scrollTop = 50
  fireEvent.scroll(el)
  expect(screen.queryByRole('button', { name: 'Newest line' })).toBeNull()
})
