import { Button, MantineProvider, Menu } from '@mantine/core'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useState } from 'react'
import { beforeAll, expect, test } from 'vitest'
import { I18nProvider } from '../lib/i18n'
import { followFocus } from '../lib/focus'
import { Dialog } from './Dialog'

beforeAll(followFocus)

function Opener({ held = false }: { held?: boolean }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button onClick={() => setOpen(true)}>Place</Button>
      <Menu>
        <Menu.Target><Button>More</Button></Menu.Target>
        <Menu.Dropdown><Menu.Item onClick={() => setOpen(true)}>Delete</Menu.Item></Menu.Dropdown>
      </Menu>
      {open && (
        <Dialog held={held} onClose={() => setOpen(false)} title="What">
          <input aria-label="Number" data-autofocus />
        </Dialog>
      )}
    </>
  )
}
const show = (held?: boolean) =>
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <Opener held={held} />
      </I18nProvider>
    </MantineProvider>,
  )
const closed = () => waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())

test.each([
  ['Place', undefined],
  ['More', 'Delete'],
])('after Escape the focus is at the button again: %s', async (button, item) => {
  show()
  await userEvent.click(screen.getByRole('button', { name: button }))
  if (item) await userEvent.click(await screen.findByRole('menuitem', { name: item }))
  await userEvent.click(await screen.findByRole('textbox'))
  await userEvent.keyboard('{Escape}')
  await closed()
  await waitFor(() => expect(document.activeElement?.textContent).toBe(button))
})

test('one that is held stays, whatever is pressed', async () => {
  show(true)
  await userEvent.click(screen.getByRole('button', { name: 'Place' }))
  await screen.findByRole('dialog')
  await userEvent.keyboard('{Escape}')
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Close' }).disabled).toBe(true)
  expect(screen.getByRole('dialog')).toBeTruthy()
})
