import { TextInput } from '@mantine/core'
import { act, screen, waitFor } from '@testing-library/react'
import { ClientResponseError } from 'pocketbase'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { needWords } from '../lib/i18n'
import { pb } from '../lib/pb'
import type { Access } from '../lib/permissions'
import { changed } from '../lib/rebase'
import { showPages } from '../test-page'
import { field } from './Field'
import { NewPage, RecordPage, RemoveButton, useRemove, type Kind } from './RecordPage'

interface Tool {
  id: string
  name: string
  description: string
  sync_status?: string
}
type Form = { name: string; description: string }

const fields = ['id', 'name', 'description'] as const
const tools = {
  collection: 'functions',
  fields,
  path: 'functions',
  words: 'functions',
  view: 'build.view',
  manage: 'functions.manage',
  start: { name: '', description: '' },
  toForm: ({ name, description }: Tool): Form => ({ name, description }),
  toBody: (values: Form, base?: Form) => (base ? changed(base, values) : values),
  label: (name: keyof Form) => `functions.${name}` as const,
  problems: ({ name }: Form): Partial<Form> => (name ? {} : { name: 'A name, please' }),
} satisfies Kind<Tool> & Record<string, unknown>

const stored: Tool = { id: 't1', name: 'book', description: 'Books.' }
const collection = pb.collection('functions')
const one = (row: object) => vi.spyOn(collection, 'getOne').mockResolvedValue({ organization: 'o1', ...row } as never)
const refused = (status: number, response: object) => new ClientResponseError({ status, response })

const show = (element: ReactNode, path: string, access?: Access) =>
  showPages({ functions: <p>The list</p>, 'functions/new': element, 'functions/$id': element }, path, access)

const inputs = ({ form, writable = true }: { form: Parameters<typeof field<Form>>[0]; writable?: boolean }) => (
  <>
    <TextInput label="Name" {...field(form, 'name')} readOnly={!writable} />
    <TextInput label="Description" {...field(form, 'description')} readOnly={!writable} />
  </>
)
const page = (
  <RecordPage<Tool, Form>
    of={tools}
    title={(record) => record.name}
    said="functions.saved"
    actions={({ id }) => (
      <RemoveButton
        of={tools}
        id={id}
        done="Gone"
        question={{ title: 'Delete it?', body: '', action: 'Delete tool' }}
      />
    )}
  >
    {inputs}
  </RecordPage>
)
const making = <NewPage<Tool, Form> of={tools} text="About tools" create="Make it">{inputs}</NewPage>
const input = (name: string) => screen.findByRole<HTMLInputElement>('textbox', { name })

beforeEach(() => needWords('build'))
afterEach(() => pb.authStore.clear())

test('a record is its title, its fields, and the way back; a save sends what was changed', async () => {
  one(stored)
  const update = vi.spyOn(collection, 'update').mockResolvedValue({ ...stored, description: 'Books a time.' } as never)
  const { user } = await show(page, 'functions/t1')
  expect(await screen.findByRole('heading', { level: 1, name: 'book' })).toBeTruthy()
  expect(screen.getByRole('link', { name: 'Back to Functions' }).getAttribute('href')).toBe('/o/o1/functions')
  expect(screen.queryByRole('button', { name: 'Save' })).toBeNull()
  await user.clear(await input('Description'))
  await user.type(await input('Description'), 'Books a time.')
  await user.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Save' })).toBeNull())
  expect(update.mock.calls).toEqual([['t1', { description: 'Books a time.' }, { fields: 'id,name,description' }]])
})

test('what is wrong is said at its field before anything is sent, what the server refuses too', async () => {
  one(stored)
  const update = vi
    .spyOn(collection, 'update')
    .mockRejectedValue(refused(400, { data: { name: { message: 'This name is taken.' } } }))
  const { user } = await show(page, 'functions/t1')
  await user.clear(await input('Name'))
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect(await screen.findByText('A name, please')).toBeTruthy()
  expect(update).not.toHaveBeenCalled()
  await user.type(await input('Name'), 'call')
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect(await screen.findByText('This name is taken.')).toBeTruthy()
  expect(document.activeElement).toBe(await input('Name'))
  await user.click(screen.getByRole('button', { name: 'Discard' }))
  expect((await input('Name')).value).toBe('book')
  expect(document.activeElement?.tagName).toBe('H1')
})

test('a change of somebody else comes in; where both changed, the person chooses', async () => {
  one(stored)
  const { user, queries } = await show(page, 'functions/t1')
  await user.type(await input('Name'), 'er')
  act(
    () =>
      void queries.setQueriesData(
        { queryKey: ['o1', 'functions', 'one'] },
        { ...stored, name: 'reserve', description: 'Theirs.' },
      ),
  )
  const asked = await screen.findByRole('alert')
  expect(asked.textContent).toContain('Name, theirs: “reserve”')
  expect(screen.getByRole('region', { name: 'Unsaved changes' }).contains(asked)).toBe(true)
  const update = vi.spyOn(collection, 'update')
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect(document.activeElement).toBe(asked)
  expect(update).not.toHaveBeenCalled()
  expect((await input('Description')).value).toBe('Theirs.')
  expect((await input('Name')).value).toBe('booker')
  await user.click(screen.getByRole('button', { name: 'Take theirs' }))
  expect((await input('Name')).value).toBe('reserve')
})

test('another record under the same address begins with its own values', async () => {
  const get = one(stored)
  const { user, router } = await show(page, 'functions/t1')
  await user.type(await input('Name'), 'er')
  await user.click(screen.getByRole('button', { name: 'Discard' }))
  get.mockResolvedValue({ organization: 'o1', id: 't2', name: 'cancel', description: '' } as never)
  await act(() => router.navigate({ to: '/o/o1/functions/t2' as never }))
  await waitFor(async () => expect((await input('Name')).value).toBe('cancel'))
  expect(screen.queryByRole('button', { name: 'Save' })).toBeNull()
})

test.each([
  ['is not there', () => vi.spyOn(collection, 'getOne').mockRejectedValue(refused(404, {}))],
  ['belongs to another organization', () => one({ ...stored, organization: 'o2' })],
])('a record that %s has no page', async (_, mock) => {
  mock()
  await show(page, 'functions/t1')
  expect(await screen.findByRole('heading', { level: 1, name: 'Nothing here' })).toBeTruthy()
  expect(screen.getByRole('link', { name: 'Functions' }).getAttribute('href')).toBe('/o/o1/functions')
  expect(screen.queryByRole('textbox')).toBeNull()
})

test('who may only look gets the fields to read, and nothing to press', async () => {
  one(stored)
  await show(page, 'functions/t1', { role: 'manager' })
  expect((await input('Name')).readOnly).toBe(true)
  expect(screen.queryByRole('button')).toBeNull()
})

test('a copy on its way out can be changed no more', async () => {
  one({ ...stored, sync_status: 'deleting' })
  await show(page, 'functions/t1')
  expect((await input('Name')).readOnly).toBe(true)
  expect(screen.queryByRole('button', { name: 'Delete tool' })).toBeNull()
})

test.each([
  ['functions/t1', page],
  ['functions/new', making],
])('who may not see it is told so: %s', async (path, element) => {
  one(stored)
  await show(element, path, { role: 'viewer' })
  expect((await screen.findByRole('heading', { level: 1 })).textContent).toMatch(/not allowed|role/i)
  expect(screen.queryByRole('textbox')).toBeNull()
})

test('what was typed into a record that is gone stays, and can be made again', async () => {
  const get = one(stored)
  vi.spyOn(collection, 'update').mockRejectedValue(refused(404, {}))
  const create = vi.spyOn(collection, 'create').mockResolvedValue({ ...stored, id: 't9' } as never)
  const { user, router } = await show(page, 'functions/t1')
  await user.type(await input('Name'), 'er')
  get.mockRejectedValue(refused(404, {}))
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect(await screen.findByText('Somebody deleted “book” meanwhile')).toBeTruthy()
  expect(screen.queryByText('Nothing here')).toBeNull()
  expect((await input('Name')).value).toBe('booker')
  expect(screen.getByRole('button', { name: 'Copy what I typed' })).toBeTruthy()
  get.mockResolvedValue({ organization: 'o1', ...stored, id: 't9', name: 'booker' } as never)
  await user.click(screen.getByRole('button', { name: 'Make it again' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/functions/t9'))
  expect(create.mock.calls[0]![0]).toEqual({ organization: 'o1', name: 'booker', description: 'Books.' })
})

test('a new record is made in this organization and leads to its page', async () => {
  const create = vi.spyOn(collection, 'create').mockResolvedValue({ ...stored, id: 't9' } as never)
  const { user, router } = await show(making, 'functions/new')
  expect((await screen.findByRole('heading', { level: 1 })).textContent).toBe('New function')
  await user.type(await input('Name'), 'book')
  await user.click(screen.getByRole('button', { name: 'Make it' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/functions/t9'))
  expect(create.mock.calls).toEqual([
    [{ organization: 'o1', name: 'book', description: '' }, { fields: 'id,name,description' }],
  ])
})

test('leaving a new record asks before what was typed is lost, and making it does not', async () => {
  const create = vi.spyOn(collection, 'create').mockResolvedValue({ ...stored, id: 't9' } as never)
  const { user, router } = await show(making, 'functions/new')
  await user.type(await input('Name'), 'book')
  await user.click(screen.getByRole('link', { name: 'Back to Functions' }))
  await screen.findByRole('dialog', { name: 'Leave this page?' })
  expect(router.state.location.pathname).toBe('/o/o1/functions/new')
  await user.click(screen.getByRole('button', { name: 'Cancel' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect((await input('Name')).value).toBe('book')
  await user.click(screen.getByRole('button', { name: 'Make it' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/functions/t9'))
  expect(create).toHaveBeenCalledTimes(1)
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('a new record nothing was typed of is left without a question', async () => {
  const { user, router } = await show(making, 'functions/new')
  await user.click(await screen.findByRole('link', { name: 'Back to Functions' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/functions'))
})

test('deleting asks, and leads back to the list', async () => {
  one(stored)
  const remove = vi.spyOn(collection, 'delete').mockResolvedValue(true)
  const { user, router } = await show(page, 'functions/t1')
  await user.click(await screen.findByRole('button', { name: 'Delete tool' }))
  await screen.findByRole('dialog', { name: 'Delete it?' })
  expect(remove).not.toHaveBeenCalled()
  await user.click(screen.getAllByRole('button', { name: 'Delete tool' }).at(-1)!)
  await waitFor(() => expect(router.state.location.pathname).toBe('/o/o1/functions'))
  expect(remove.mock.calls).toEqual([['t1', {}]])
})

function Force() {
  const { ask } = useRemove(tools, 't1', 'Gone', ({ cause }) => ({ title: 'Still?', body: cause, action: 'By force' }))
  return <button onClick={() => void ask({ title: 'First?', body: '', action: 'Yes' })}>Remove</button>
}

test('what something else needs goes only after a second question', async () => {
  const remove = vi
    .spyOn(collection, 'delete')
    .mockRejectedValueOnce(refused(409, { message: 'It answers a number.' }))
    .mockResolvedValue(true)
  const { user } = await show(<Force />, 'functions/t1')
  await user.click(await screen.findByRole('button', { name: 'Remove' }))
  await user.click(await screen.findByRole('button', { name: 'Yes' }))
  expect((await screen.findByRole('dialog', { name: 'Still?' })).textContent).toContain('It answers a number.')
  await user.click(screen.getByRole('button', { name: 'By force' }))
  await waitFor(() => expect(remove.mock.calls).toEqual([['t1', {}], ['t1', { query: { force: 'true' } }]]))
})
