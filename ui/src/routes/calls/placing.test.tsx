import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { beforeAll, expect, test, vi } from 'vitest'
import { api } from '../../lib/api'
import { I18nProvider, needWords, t } from '../../lib/i18n'
import type { CallDetail } from './data'
import { EndReason } from './EndReason'
import { LiveActions } from './LiveActions'
import { eventText } from './Timeline'
import { aboutOf } from './words'

beforeAll(() => needWords('calls'))

const call = (over: Partial<CallDetail>) =>
  ({ id: 'c1', status: 'completed', outcome: '', placing: '', summary: '', ended_reason: '', ...over }) as CallDetail
const show = (page: ReactNode) =>
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <I18nProvider>{page}</I18nProvider>
      </QueryClientProvider>
    </MantineProvider>,
  )

test('a call that waits can be taken back and nothing else: nobody hears words, nobody is cut off', async () => {
  const post = vi.spyOn(api, 'post').mockResolvedValue({})
  show(<LiveActions call={{ id: 'c1', placing: 'waiting', answered_at: '' }} who="Liam" acts />)
  expect(screen.queryByRole('textbox')).toBeNull()
  await userEvent.click(screen.getByRole('button'))
  expect(screen.queryByRole('dialog')).toBeNull()
  expect(post).toHaveBeenCalledWith('/api/calls/c1/end')
})

test('of a call nobody knows to ring nothing can be asked', () => {
  show(<LiveActions call={{ id: 'c1', placing: 'unclear', answered_at: '' }} who="Liam" acts />)
  expect(screen.queryByRole('button')).toBeNull()
})

const running = { id: 'c1', placing: '', answered_at: '2026-11-19 12:00:00.000Z' } as const

test('who may not act in calls listens and nothing else, once somebody speaks', () => {
  show(<LiveActions call={{ ...running, answered_at: '' }} who="Liam" acts={false} />)
  expect(screen.queryByRole('button')).toBeNull()
  show(<LiveActions call={running} who="Liam" acts={false} />)
  expect(screen.getAllByRole('button').map((b) => b.textContent)).toEqual(['Listen in'])
})

test('who takes a call over says where to, and it is remembered', async () => {
  localStorage.removeItem('pocketline.takeOver')
  const post = vi.spyOn(api, 'post').mockResolvedValue({})
  show(<LiveActions call={running} who="Liam" acts />)
  expect(screen.getAllByRole('button').map((b) => b.textContent)).toEqual(['Say', 'Listen in', 'Take over', 'End call'])
  await userEvent.click(screen.getByRole('button', { name: 'Take over' }))
  const dialog = within(await screen.findByRole('dialog'))
  await userEvent.click(dialog.getByRole('button', { name: 'Take over' }))
  expect(post).not.toHaveBeenCalled()
  await userEvent.type(dialog.getByLabelText('Your phone number'), '+1 415 555 2671')
  await userEvent.click(dialog.getByRole('button', { name: 'Take over' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(post).toHaveBeenCalledWith('/api/calls/c1/transfer', { phone_number: '+14155552671', content: '' })
  expect(localStorage.getItem('pocketline.takeOver')).toBe('+1 415 555 2671')
})

test('a call whose sound cannot be heard says why, and can be listened to again', async () => {
  vi.stubGlobal('AudioContext', class { close = () => Promise.resolve() })
  const refused = { code: 'call_over', message: 'The call is over or its sound cannot be heard' }
  const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(
    new Response(JSON.stringify({ success: false, error: refused }), { status: 409 }),
  )
  show(<LiveActions call={running} who="Liam" acts={false} />)
  await userEvent.click(screen.getByRole('button', { name: 'Listen in' }))
  expect(await screen.findByRole('alert')).toBeTruthy()
  expect(String(fetched.mock.calls[0]![0])).toMatch(/\/api\/calls\/c1\/sound$/)
  expect(screen.getByRole('button', { name: 'Listen in' })).toBeTruthy()
  vi.unstubAllGlobals()
})

const control = (name: string, by?: string) =>
  eventText({ id: 'e', type: 'control', name, position: 0, data: by ? { by } : null }, t)

test('what a person did with a call is told by its name', () => {
  expect(control('cancel', 'Robin')).toBe('Robin took the call back before it was placed')
  expect(control('cancel')).toBe('The call was taken back before it was placed')
  expect(control('end', 'Robin')).toBe('Robin ended the call')
  expect(control('transfer', 'Robin')).toBe('Robin took the call over')
  expect(control('say', 'Robin')).toBe('Robin let the assistant say something')
})

test.each([
  [
    call({ placing: 'lost', ended_reason: 'The call was not placed: the phone provider does not know it' }),
    'does not know it',
  ],
  [
    call({ placing: 'cancelled', outcome: 'cancelled', ended_reason: 'The call was cancelled before it was placed' }),
    'before it was placed',
  ],
  [call({ outcome: 'voicemail', ended_reason: 'voicemail' }), 'answering machine'],
])('what became of a call is said once', (one, words) => {
  show(<><p>{aboutOf(one, t)}</p><EndReason call={one} /></>)
  expect(document.body.textContent!.split(words)).toHaveLength(2)
})
