import { screen, waitFor } from '@testing-library/react'
import { ClientResponseError } from 'pocketbase'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { api } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { needWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { showPages } from '../../test-page'
import { assistantsQuery, numbersQuery } from './data'
import { PlaceCall } from './PlaceCall'

beforeAll(() => needWords('calls'))
afterEach(() => pb.authStore.clear())

const assistants = ['a1', 'a2'].map((id) => ({ id, name: `Desk ${id}`, first_message: '', vapi_assistant_id: 'v' }))
const numbers = ['n1', 'n2', 'n3'].map((id, i) => (
  { id, name: id, phone_number: `+1415555010${i}`, assistant: i ? `a${i}` : '', vapi_phone_id: i ? 'v' : '' }
))

async function show(sandbox: boolean, call: { to?: string; by?: string; from?: string }) {
  vi.spyOn(pb.collection('assistants'), 'getList').mockResolvedValue({ items: assistants } as never)
  vi.spyOn(pb.collection('phone_numbers'), 'getList')
    .mockResolvedValue({ items: numbers.map(({ name, ...n }) => ({ ...n, friendly_name: name })) } as never)
  vi.spyOn(api, 'get').mockResolvedValue({ sandbox })
  const shown = await showPages({ calls: <PlaceCall onClose={() => undefined} {...call} />, 'calls/$id': <p>Call</p> }, 'calls')
  await waitFor(() => {
    expect(shown.queries.getQueryData(assistantsQuery('o1').queryKey)).toBeTruthy()
    expect(shown.queries.getQueryData(numbersQuery('o1').queryKey)).toBeTruthy()
    expect(shown.queries.getQueryData(deskQuery.queryKey)).toBeTruthy()
  })
  return shown
}
const press = () => screen.findByRole('button', { name: 'Call now' })

test('a call back is by the assistant and from the number of the call: one press places it', async () => {
  const post = vi.spyOn(api, 'post').mockResolvedValue({ id: 'c2' })
  const { user } = await show(false, { to: '+14155550123', by: 'a2', from: 'n3' })
  expect(await screen.findByText('Your phone provider bills the call by the minute.')).toBeTruthy()
  await user.click(await press())
  await waitFor(() => expect(post).toHaveBeenCalled())
  expect(post.mock.calls[0]![1]).toMatchObject({
    assistant: 'a2', phone_number: 'n3', customer_number: '+14155550123',
  })
})

test('a number that is not connected is not taken; the one of the assistant is', async () => {
  await show(true, { to: '+14155550123', by: 'a1', from: 'n1' })
  expect(await screen.findByText(/Desk a1 calls .* from \+1.415.555.0101/)).toBeTruthy()
  expect(screen.queryByText(/bills/)).toBeNull()
})

test('what is no number is refused in its place and promises nothing', async () => {
  const post = vi.spyOn(api, 'post')
  const { user } = await show(false, { to: 'abc', by: 'a1' })
  await user.click(await press())
  expect(await screen.findByText(/^This is not a phone number/)).toBeTruthy()
  expect(screen.queryByText(/at once/)).toBeNull()
  expect(post).not.toHaveBeenCalled()
})

test('a refused country leads to where it is set', async () => {
  const message = "Calls to this country (FR) are not allowed. The organization's country (US) stands in" +
    ' Settings → Organization; whoever runs this server opens others.'
  vi.spyOn(api, 'post').mockRejectedValue(
    new ClientResponseError({ status: 422, response: { error: 'No', details: { customer_number: message } } }),
  )
  const { user } = await show(false, { to: '+33612345678', by: 'a1' })
  await user.click(await press())
  const link = await screen.findByRole('link', { name: 'Settings → Organization' })
  expect(link.getAttribute('href')).toBe('/o/o1/settings')
  expect(link.parentElement!.textContent).toMatch(/opens others\.$/)
  expect(screen.queryByText(/at once/)).toBeNull()
})
