import { MantineProvider } from '@mantine/core'
import { cleanup, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, test, vi } from 'vitest'
import { I18nProvider } from '../lib/i18n'
import french from '../locales/server/fr.json'
import { HELD } from './RecordSync'
import { SyncChip, type SyncStatus } from './SyncChip'

afterEach(cleanup)

const doubt = 'It is not known yet whether the phone provider made it: it is looked for before it is made again'
const onRetry = vi.fn()
const show = (status: SyncStatus, reason?: string, held?: boolean) =>
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <SyncChip status={status} provider="Vapi" reason={reason} held={held} onRetry={onRetry} />
      </I18nProvider>
    </MantineProvider>,
  )

test('a copy in doubt says what is not known, and nothing of a failure', async () => {
  show('pending', doubt)
  await userEvent.click(screen.getByRole('button'))
  const told = await screen.findByRole('dialog')
  expect(told.textContent).toContain(doubt)
  expect(told.textContent).not.toContain('Vapi')
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(onRetry).toHaveBeenCalledOnce()
})

test('a refused copy names the provider; one on its way offers nothing to press', async () => {
  show('failed', 'voice not found')
  await userEvent.click(screen.getByRole('button'))
  expect((await screen.findByRole('dialog')).textContent).toMatch(/Vapi.*voice not found/s)
  cleanup()
  show('pending')
  expect(screen.queryByRole('button')).toBeNull()
})

test.each([['pending', 'Waits until the operator confirms the restore'], ['deleting', 'Being deleted']] as const)(
  'a %s copy that a restore holds says so, and why', async (status, label) => {
    show(status, HELD, true)
    await userEvent.click(screen.getByRole('button', { name: label }))
    expect((await screen.findByRole('dialog')).textContent).toContain(HELD)
  },
)

test('the server’s sentence about a restore begins as it is looked for', () => {
  expect(Object.keys(french.sentences).filter((sentence) => sentence.startsWith(HELD))).toHaveLength(1)
})
