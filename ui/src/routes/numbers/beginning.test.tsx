import { MantineProvider } from '@mantine/core'
import { render, screen } from '@testing-library/react'
import { beforeAll, expect, test } from 'vitest'
import { I18nProvider, needWords } from '../../lib/i18n'
import { Beginning } from './Beginning'
import type { NumberDetail } from './data'

beforeAll(() => needWords('build'))

const row = (over: Partial<NumberDetail>) =>
  ({
    provider: 'vapi',
    phone_number: '',
    vapi_phone_id: '',
    sync_status: 'pending',
    sync_error: '',
    ...over,
  }) as NumberDetail
const show = (record: NumberDetail) =>
  render(
    <MantineProvider env="test">
      <I18nProvider>
        <Beginning record={record} />
      </I18nProvider>
    </MantineProvider>,
  )

test('a number that could not be ordered says so, and why', () => {
  show(
    row({
      sync_status: 'failed',
      sync_error: 'Vapi cannot reach this server: its public address is not known (POCKETLINE_PUBLIC_URL)',
    }),
  )
  expect(screen.getByRole('alert').textContent).toMatch(/not ordered.*public address is not known/)
  expect(screen.queryByRole('status')).toBeNull()
})

test('a refused number of one’s own is not said to be on its way', () => {
  show(
    row({
      provider: 'twilio',
      phone_number: '+14155550100',
      sync_status: 'failed',
      sync_error: 'vapi: Twilio does not know this account (400)',
    }),
  )
  expect(screen.getByRole('alert').textContent).toMatch(/not connected.*Twilio does not know this account/)
  expect(screen.getByRole('alert').textContent).not.toMatch(/vapi:|400/)
})

test.each([
  [row({}), 'not given the digits yet'],
  [row({ sync_error: 'Held.' }), 'Held.'],
  [row({ provider: 'twilio', phone_number: '+14155550100' }), 'being connected'],
])('one on its way says what it waits for', (record, words) => {
  show(record)
  expect(screen.getByRole('status').textContent).toContain(words)
})

test('of one that is at the provider, or nobody’s but ours, there is nothing to say', () => {
  show(row({ phone_number: '+14155550100', vapi_phone_id: 'p1', sync_status: 'failed' }))
  show(row({ provider: 'other', phone_number: '+14155550100', sync_status: '' }))
  expect(screen.queryByRole('alert') ?? screen.queryByRole('status')).toBeNull()
})
