import { createRootRoute } from '@tanstack/react-router'
import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import * as api from '../../lib/api'
import { needWords, t } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { Access } from '../../lib/permissions'
import { showTree } from '../../test-page'
import { orgRoute } from '../base'
import { filterOf, replies, searchOf } from './data'
import { readRepliesSearch, replyRoutes } from './routes'

const rows = [
  {
    id: 'r1',
    organization: 'o1',
    shortcut: 'hours',
    text: 'Open from 9 to 5.',
    language: 'en',
    updated: '2026-11-01 10:00:00.000Z',
  },
  {
    id: 'r2',
    organization: 'o1',
    shortcut: 'merci',
    text: 'Merci !',
    language: '',
    updated: '2026-11-02 10:00:00.000Z',
  },
]
const collection = pb.collection('saved_replies')
const listed = (items: object[]) => vi.spyOn(collection, 'getList').mockResolvedValue({ items } as never)

/** The pages at their own addresses, without the shell around them. */
async function show(path: string, access?: Access) {
  const root = createRootRoute()
  orgRoute.update({ getParentRoute: () => root, beforeLoad: undefined, component: undefined, path: '/o/$org' } as never)
  return showTree(root.addChildren([orgRoute.addChildren([...replyRoutes])]), path, access)
}

const fill = (input: HTMLElement, value: string) => fireEvent.change(input, { target: { value } })

// Pages are loaded when they are gone to; the first would wait for all that they import.
beforeAll(() => Promise.all([needWords('people'), import('./RepliesPage'), import('./ReplyPage')]))
afterEach(() => pb.authStore.clear())

test('the list asks for what the address says, and leads to each reply', async () => {
  const list = listed(rows)
  await show('settings/replies?q=%2Fhours&language=en&sort=-updated')
  expect((await screen.findByRole('link', { name: '/hours' })).getAttribute('href')).toBe('/o/o1/settings/replies/r1')
  expect(list.mock.calls[0]![2]).toMatchObject({
    sort: '-updated,-id',
    filter: expect.stringContaining('language = "en"'),
  })
  // The slash people type is no part of a shortcut.
  expect(screen.queryByText('Merci !')).toBeNull()
})

test('an empty list says what will be here, and lets those begin who may', async () => {
  listed([])
  await show('settings/replies', { role: 'agent', can_view_messages: true })
  expect((await screen.findByText('No saved reply yet'))).toBeTruthy()
  expect(screen.getAllByRole('link', { name: 'New reply' })[0]!.getAttribute('href')).toBe('/o/o1/settings/replies/new')
})

test('who may only read finds nothing to press', async () => {
  listed([])
  await show('settings/replies', { role: 'viewer', can_view_messages: true })
  expect(await screen.findByText(/^Whoever answers messages/)).toBeTruthy()
  expect(screen.queryByRole('link', { name: 'New reply' })).toBeNull()
})

test('who sees no messages reads the replies all the same: the rows say so', async () => {
  listed([])
  await show('settings/replies', { role: 'viewer' })
  expect(await screen.findByText(/^Whoever answers messages/)).toBeTruthy()
})

test('a reply is written with its shortcut as it is stored', async () => {
  const create = vi.spyOn(collection, 'create').mockResolvedValue(rows[0] as never)
  vi.spyOn(collection, 'getOne').mockResolvedValue(rows[0] as never)
  const { user, router } = await show('settings/replies/new')
  const shortcut = await screen.findByRole('textbox', { name: /Shortcut/ })
  fill(shortcut, 'two words')
  await user.click(screen.getByRole('button', { name: 'Save the reply' }))
  expect(await screen.findByText('One word: no spaces and no slash.')).toBeTruthy()
  expect(create).not.toHaveBeenCalled()
  fill(shortcut, '/Hours')
  fill(screen.getByRole('textbox', { name: /Text/ }), ' Open from 9 to 5. ')
  await user.click(screen.getByRole('button', { name: 'Save the reply' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/settings/replies/r1'))
  expect(create.mock.calls[0]![0]).toEqual({
    organization: 'o1',
    shortcut: 'hours',
    text: 'Open from 9 to 5.',
    language: '',
  })
})

test('a text is copied from its row', async () => {
  listed(rows)
  const { user } = await show('settings/replies')
  await user.click(await screen.findByRole('button', { name: 'Copy the text of /hours' }))
  expect(await navigator.clipboard.readText()).toBe('Open from 9 to 5.')
})

test('too long a text is kept whole, and said to be too long in its place', async () => {
  const create = vi.spyOn(collection, 'create')
  const { user } = await show('settings/replies/new')
  const text = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: /Text/ })
  fill(text, 'a'.repeat(4001))
  fill(screen.getByRole('textbox', { name: /Shortcut/ }), 'b'.repeat(41))
  expect(text.maxLength).toBeLessThan(0)
  expect(text.value).toHaveLength(4001)
  expect(screen.getByText('At most 4,000 characters; here are 4,001.')).toBeTruthy()
  expect(screen.getByText('At most 40 characters; here are 41.')).toBeTruthy()
  await user.click(screen.getByRole('button', { name: 'Save the reply' }))
  expect(create).not.toHaveBeenCalled()
})

test('the file holds what the list shows, all of it', async () => {
  listed(rows)
  vi.spyOn(collection, 'getFullList').mockResolvedValue(rows as never)
  const save = vi.spyOn(api, 'saveBlob').mockImplementation(() => undefined)
  const { user } = await show('settings/replies?q=merci')
  await user.click(await screen.findByRole('button', { name: 'Download CSV' }))
  await waitFor(() => expect(save).toHaveBeenCalled())
  const [file, name] = save.mock.calls[0]!
  expect([name, await file.text()]).toEqual([
    'saved-replies.csv',
    '\ufeffShortcut,Text,Language,Changed\nmerci,Merci !,Every language,2026-11-02T10:00:00.000Z\n',
  ])
})

test('the address holds the search, the language and the order, and nothing else', () => {
  expect(readRepliesSearch({ q: 24, language: 'fr', sort: '-updated', page: 3 })).toEqual({
    q: '24',
    language: 'fr',
    sort: '-updated',
  })
  expect(readRepliesSearch({ q: '', language: 'de', sort: 'text' })).toEqual({})
  expect([filterOf({}), filterOf({ language: 'any' })]).toEqual([undefined, 'language = ""'])
})

test('a save sends what was changed, cleaned', () => {
  const base = { shortcut: 'hours', text: 'Open.', language: '' } as const
  expect(replies.toBody({ ...base, shortcut: ' /Hours', text: 'Open. ' }, base)).toEqual({})
  expect(replies.toBody({ ...base, shortcut: '// FERME\u0301' }, base)).toEqual({ shortcut: 'fermé' })
  expect(searchOf({ q: ' //hours' }).typed).toBe('hours')
  expect(replies.problems!({ shortcut: '/', text: ' ', language: '' }, t)).toEqual({
    shortcut: 'This is needed.',
    text: 'This is needed.',
  })
})
