import { createRootRoute } from '@tanstack/react-router'
import { screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import * as lib from '../../lib/api'
import { needWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { Access } from '../../lib/permissions'
import { showPages, showTree } from '../../test-page'
import { orgRoute } from '../base'
import { canBeCalled, numberOf, type CallItem } from '../calls/data'
import { SaveName } from '../calls/SaveName'
import { contacts, queryOf } from './data'
import { contactRoutes, readContactsSearch } from './routes'

const agent: Access = { role: 'agent', can_view_calls: true }
const row = (id: string, more: object = {}) => ({
  id, name: '', company: '', phone_number: '+14155550142', email: '', blocked: false, calls: 2, first_seen_at: '', last_seen_at: '',
  ...more,
})
const priya = row('c1', { name: 'Priya Raman', company: 'Harbour Dental' })

beforeAll(() => needWords('calls'))
afterEach(() => {
  pb.authStore.clear()
  vi.restoreAllMocks()
})

async function show(path: string, access: Access = agent) {
  const root = createRootRoute()
  orgRoute.update({ getParentRoute: () => root, beforeLoad: undefined, component: undefined, path: '/o/$org' } as never)
  return showTree(root.addChildren([orgRoute.addChildren([...contactRoutes])]), path, access)
}

const listed = (items: object[]) => vi.spyOn(lib.api, 'get').mockResolvedValue({ items, next: '' })

test('the server is asked for what the address holds', async () => {
  const get = listed([priya])
  await show('contacts?q=harbour&blocked=true')
  expect(await screen.findByRole('link', { name: /Priya Raman/ })).toBeTruthy()
  expect(get.mock.calls[0]).toMatchObject(['/api/organizations/o1/contacts', { query: { search: 'harbour', blocked: 'true', limit: 40 } }])
  expect([readContactsSearch({ q: 24, blocked: 'no', page: 2 }), queryOf({})]).toEqual([{ q: '24' }, {}])
})

test('several are blocked at once, each by a change of its own', async () => {
  listed([priya, row('c2')])
  const update = vi.spyOn(pb.collection('contacts'), 'update').mockResolvedValue({} as never)
  const { user } = await show('contacts')
  await user.click(await screen.findByRole('checkbox', { name: 'Select all' }))
  await user.click(screen.getByRole('button', { name: 'Block' }))
  await waitFor(() => expect(update.mock.calls.map(([id, values]) => [id, values])).toEqual([
    ['c1', { blocked: true }], ['c2', { blocked: true }],
  ]))
})

test('two are merged once it is said which of them stays', async () => {
  listed([priya, row('c2', { phone_number: '+14155550143' })])
  const post = vi.spyOn(lib.api, 'post').mockResolvedValue({})
  const { user } = await show('contacts')
  await user.click(await screen.findByRole('checkbox', { name: 'Select all' }))
  await user.click(screen.getByRole('button', { name: 'Merge' }))
  await user.click(await screen.findByRole('radio', { name: /0143/ }))
  await user.click(screen.getAllByRole('button', { name: 'Merge' }).at(-1)!)
  await waitFor(() => expect(post.mock.calls).toEqual([['/api/organizations/o1/contacts/c2/merge', { other: 'c1' }]]))
})

test('who may not see calls sees no contacts, and who only looks changes none', async () => {
  listed([priya])
  await show('contacts', { role: 'agent' })
  expect(screen.queryByRole('link', { name: /Priya/ })).toBeNull()
  expect(screen.queryByRole('link', { name: 'New contact' })).toBeNull()
})

test('a save sends what was changed and never the number', () => {
  const base = { phone_number: '••••42', name: '', company: '', email: '', notes: '' }
  expect(contacts.toBody({ ...base, name: ' Priya Raman ' }, base)).toEqual({ name: 'Priya Raman' })
})

const call = (more: Partial<CallItem> = {}) => ({
  id: 'k1', contact: 'c1', contact_name: '', call_type: 'inbound', caller_number: '+14155550142', recipient_number: '',
  channel: 'phone', ...more,
}) as CallItem

test('a call’s caller is saved under the name the analysis found, in one press', async () => {
  vi.spyOn(pb.collection('call_reports'), 'getList').mockResolvedValue({
    items: [{ id: 'r', costs: null, performance: null, analysis: { structured_data: { caller_name: 'Priya Raman' } } }],
  } as never)
  vi.spyOn(pb.collection('messages'), 'getList').mockResolvedValue({ items: [] } as never)
  const update = vi.spyOn(pb.collection('contacts'), 'update').mockResolvedValue({} as never)
  const { user } = await showPages({ calls: <SaveName call={call()} /> }, 'calls', agent)
  await user.click(await screen.findByRole('button', { name: /Save as .*Priya Raman/ }))
  await waitFor(() => expect(update).toHaveBeenCalledWith('c1', { name: 'Priya Raman' }, { fields: 'id' }))
})

test('nobody names a caller who may only look, and a hidden caller has no name', async () => {
  await showPages({ calls: <><h1>Call</h1><SaveName call={call()} /></> }, 'calls', { role: 'viewer', can_view_calls: true })
  await screen.findByRole('heading')
  expect(screen.queryByRole('button')).toBeNull()
})

test('a masked number can be called back: the server is asked for it then, and not before', async () => {
  const get = vi.spyOn(lib.api, 'get').mockResolvedValue({ caller_number: '+14155550142', recipient_number: '' })
  expect(canBeCalled(call({ caller_number: '••••42' }))).toBe(true)
  expect(await numberOf('o1', call())).toBe('+14155550142')
  expect(get).not.toHaveBeenCalled()
  expect(await numberOf('o1', call({ caller_number: '••••42' }))).toBe('+14155550142')
  expect(get).toHaveBeenCalledWith('/api/organizations/o1/calls/k1/numbers')
})
