import { fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { CopyButton } from './CopyButton'

afterEach(() => vi.unstubAllGlobals())

const press = () => {
  render(<CopyButton value="a secret">{({ copied, copy }) => <button onClick={copy}>{copied ? 'Copied' : 'Copy'}</button>}</CopyButton>)
  screen.getByText('Copy').focus()
  fireEvent.click(screen.getByText('Copy'))
}

test('over plain http, where there is no clipboard, what is selected is copied', async () => {
  vi.stubGlobal('navigator', { ...navigator, clipboard: undefined })
  let taken = ''
  document.execCommand = () => {
    taken = (document.activeElement as HTMLTextAreaElement).value
    return true
  }
  press()
  await waitFor(() => expect(screen.getByText('Copied')).toBeTruthy())
  expect(taken).toBe('a secret')
  expect(document.querySelector('textarea')).toBeNull()
  expect(document.activeElement?.textContent).toBe('Copied')
})

test('what could not be copied is not said to be', async () => {
  vi.stubGlobal('navigator', { ...navigator, clipboard: undefined })
  const tried = vi.fn(() => false)
  document.execCommand = tried
  press()
  await waitFor(() => expect(tried).toHaveBeenCalled())
  expect(screen.queryByText('Copied')).toBeNull()
})
