import { screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { needWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { showPages } from '../../test-page'
import { CallActions } from './CallActions'
import type { CallItem } from './data'

beforeAll(() => needWords('calls'))
afterEach(() => pb.authStore.clear())

const call = (change: Partial<CallItem> = {}) => ({
  id: 'c1', status: 'completed', call_type: 'inbound', caller_number: '+14155550123', contact_name: 'Ada', resolution_status: 'escalated', ...change,
}) as CallItem

async function show(change: Partial<CallItem>, folded = false) {
  const onCallBack = vi.fn()
  const update = vi.spyOn(pb.collection('calls'), 'update').mockResolvedValue({} as never)
  const shown = await showPages({ calls: <><h1>Calls</h1><CallActions call={call(change)} onCallBack={onCallBack} folded={folded} /></> }, 'calls')
  await screen.findByRole('heading')
  return { ...shown, onCallBack, update }
}

test('a row calls back and is done, each by the name of its caller', async () => {
  const { user, onCallBack, update } = await show({})
  await user.click(screen.getByRole('button', { name: 'Call back: Ada' }))
  expect(onCallBack.mock.calls).toEqual([[expect.objectContaining({ id: 'c1' })]])
  await user.click(screen.getByRole('button', { name: 'Done with Ada' }))
  await waitFor(() => expect(update.mock.calls.map(([id, values]) => [id, values])).toEqual([['c1', { resolution_status: 'resolved' }]]))
})

test('on a phone the same stands behind one button, with the way to the call', async () => {
  const { user, update } = await show({ resolution_status: 'resolved' }, true)
  await user.click(screen.getByRole('button', { name: 'Actions for Ada' }))
  const items = await screen.findAllByRole('menuitem')
  expect(items.map((item) => item.textContent)).toEqual(['Call back', 'Reopen', 'Open'])
  expect(items[2]!.getAttribute('href')).toBe('/o/o1/calls/c1')
  await user.click(items[1]!)
  await waitFor(() => expect(update.mock.calls.map(([, values]) => values)).toEqual([{ resolution_status: 'pending' }]))
})

test.each<[string, Partial<CallItem>]>([
  ['while people talk', { status: 'in_progress' }],
  ['before it is placed', { status: 'scheduled' }],
])('a row asks nothing %s', async (_, change) => {
  await show(change)
  expect(screen.queryByRole('button')).toBeNull()
})

test('a hidden number cannot be called back', async () => {
  await show({ caller_number: 'anonymous' })
  expect(screen.getAllByRole('button').map((button) => button.getAttribute('aria-label'))).toEqual(['Done with Ada'])
})
