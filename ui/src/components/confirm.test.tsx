import { MantineProvider } from '@mantine/core'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { act } from 'react'
import { expect, test, vi } from 'vitest'
import { I18nProvider } from '../lib/i18n'
import { confirm, ConfirmHost, type Question } from './confirm'

async function ask(question: Partial<Question> = {}) {
  render(<MantineProvider env="test"><I18nProvider><ConfirmHost /></I18nProvider></MantineProvider>)
  const answered = vi.fn()
  act(
    () =>
      void confirm({
        title: 'Release the number?',
        body: 'It may be gone for ever.',
        action: 'Release',
        ...question,
      }).then(answered),
  )
  await screen.findByRole('dialog')
  return answered
}

test('only its own button says yes', async () => {
  const answered = await ask()
  await userEvent.click(screen.getByRole('button', { name: 'Release' }))
  expect(answered).toHaveBeenCalledWith(true)
})

test('cancelling and Escape say no', async () => {
  const answered = await ask()
  await userEvent.keyboard('{Escape}')
  expect(answered).toHaveBeenCalledWith(false)
})

test('a name copied with the marks around it is the name', async () => {
  const answered = await ask({ typed: 'شركة النور' })
  await userEvent.type(screen.getByRole('textbox'), '\u2068شركة النور\u2069{Enter}')
  expect(answered).toHaveBeenCalledWith(true)
})

test('a typed confirmation opens only with the exact words', async () => {
  const answered = await ask({ typed: '+33\u00a01\u00a000' })
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Release' })
  await userEvent.type(screen.getByRole('textbox'), '+33 1 0')
  expect(button.disabled).toBe(true)
  await userEvent.type(screen.getByRole('textbox'), '0{Enter}')
  expect(answered).toHaveBeenCalledWith(true)
})

test.each([
  [{ danger: true }, 'Cancel'],
  [{}, 'Release'],
])('a dangerous question opens on Cancel, another on its own button', async (question, focused) => {
  await ask(question)
  await waitFor(() => expect(document.activeElement).toBe(screen.getByRole('button', { name: focused })))
})
