import { screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { needWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { Access } from '../../lib/permissions'
import { showPages } from '../../test-page'
import type { CallDetail } from './data'
import { ToDo } from './ToDo'

beforeAll(() => needWords('calls'))
afterEach(() => pb.authStore.clear())

const agent: Access = { role: 'agent', can_view_calls: true }
const call = (change: Partial<CallDetail> = {}) => ({
  id: 'c1', status: 'completed', call_type: 'inbound', caller_number: '+14155550123', resolution_status: 'escalated', ...change,
}) as CallDetail

async function show(change: Partial<CallDetail>, access: Access = agent) {
  const onCallBack = vi.fn()
  const update = vi.spyOn(pb.collection('calls'), 'update').mockResolvedValue({} as never)
  const page = <><h1>Call</h1><ToDo call={call(change)} onCallBack={onCallBack} /></>
  const shown = await showPages({ calls: page }, 'calls', access)
  await screen.findByRole('heading')
  return { ...shown, onCallBack, update }
}

test('a call is called back, and done by a press or by e', async () => {
  const { user, onCallBack, update } = await show({})
  await user.click(screen.getByRole('button', { name: 'Call back' }))
  expect(onCallBack).toHaveBeenCalledOnce()
  await user.click(screen.getByRole('button', { name: 'Done' }))
  await user.keyboard('e')
  await waitFor(() => expect(update.mock.calls.map(([id, values]) => [id, values])).toEqual([
    ['c1', { resolution_status: 'resolved' }],
    ['c1', { resolution_status: 'resolved' }],
  ]))
})

test('one that is done can be opened again', async () => {
  const { user, update } = await show({ resolution_status: 'resolved' })
  expect(screen.queryByRole('button', { name: 'Done' })).toBeNull()
  await user.keyboard('e')
  await user.click(screen.getByRole('button', { name: 'Reopen' }))
  await waitFor(() => expect(update.mock.calls.map(([, values]) => values)).toEqual([{ resolution_status: 'pending' }]))
})

test('a hidden number cannot be called back', async () => {
  await show({ caller_number: 'anonymous' })
  expect(screen.getAllByRole('button').map((button) => button.textContent)).toEqual(['Done'])
})

test.each<[string, Partial<CallDetail>, Access]>([
  ['while people talk', { status: 'in_progress' }, agent],
  ['for who may only look', {}, { role: 'viewer', can_view_calls: true }],
])('there is nothing to do %s', async (_, change, access) => {
  await show(change, access)
  expect(screen.queryByRole('button')).toBeNull()
})
