import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Kind } from '../../components/RecordPage'
import { api } from '../../lib/api'
import type { EditForm, NewForm } from '../../lib/editor'
import { pb } from '../../lib/pb'
import type { ContactsRecord } from '../../lib/pb-types.gen'
import { e164, isDigits, phone } from '../../lib/phone'
import { changed } from '../../lib/rebase'
import { straight } from '../../lib/strangers'
import type { ContactsSearch } from './routes'

/** A row of the server's list of contacts. */
export type ContactItem = Pick<ContactsRecord,
  'id' | 'name' | 'company' | 'phone_number' | 'email' | 'blocked' | 'first_seen_at' | 'last_seen_at'> & {
    /** How many, up to 1,000. */
    calls: number
  }

export const PAGE = 40

/** What the list's address asks the server for. */
export const queryOf = ({ q, blocked }: ContactsSearch): Record<string, string> => ({
  ...(q && { search: q }), ...(blocked && { blocked }),
})

interface ContactsPage {
  items: ContactItem[]
  next: string
}

const page = async (organization: string, query: Record<string, string | number>, signal: AbortSignal) =>
  straight(await api.get<ContactsPage>(`/api/organizations/${organization}/contacts`, { query, signal }))

/** The filtered contacts, a page at a time, whoever was heard of last first. */
export const contactsQuery = (organization: string, query: Record<string, string>) =>
  infiniteQueryOptions({
    queryKey: [organization, 'contacts', 'list', query] as const,
    initialPageParam: '',
    getNextPageParam: (last: ContactsPage) => last.next || undefined,
    queryFn: ({ pageParam, signal }) => page(organization, { ...query, limit: PAGE, ...(pageParam && { after: pageParam }) }, signal),
    meta: { collections: ['calls'] },
  })

/** The first contacts that match, for places that show a few. */
export const someContactsQuery = (organization: string, search: string, limit: number) =>
  queryOptions({
    queryKey: [organization, 'contacts', 'some', search, limit] as const,
    queryFn: async ({ signal }) => (await page(organization, { search, limit }, signal)).items,
  })

/** The other numbers of a contact: who was merged into it. */
export const numbersQuery = (organization: string, contact: string) =>
  queryOptions({
    queryKey: [organization, 'contacts', 'merged', contact] as const,
    queryFn: async ({ signal }) => straight((await pb.collection('contacts').getList<Contact>(1, 50, {
      filter: pb.filter('merged_into = {:contact}', { contact }), fields: 'id,phone_number,name', skipTotal: true, signal,
      query: { organization },
    })).items),
  })

export const fields = [
  'id', 'name', 'company', 'phone_number', 'email', 'notes', 'blocked', 'first_seen_at', 'last_seen_at', 'merged_into',
] as const satisfies readonly (keyof ContactsRecord)[]
export type Contact = Pick<ContactsRecord, (typeof fields)[number]>
export type ContactForm = Pick<Contact, 'phone_number' | 'name' | 'company' | 'email' | 'notes'>

/** The name of a contact, else its number. */
export const nameOf = ({ name, phone_number }: Pick<Contact, 'name' | 'phone_number'>): string => name || phone(phone_number)

const clean = ({ phone_number, name, company, email, notes }: ContactForm): ContactForm => ({
  phone_number: e164(phone_number), name: name.trim(), company: company.trim(), email: email.trim(), notes: notes.trim(),
})

/** Merges another contact into one, or makes a merged one a contact of its own again. */
export const pair = (organization: string, contact: string, what: 'merge' | 'split', other: string) =>
  api.post(`/api/organizations/${organization}/contacts/${contact}/${what}`, { other })

export const contacts: Kind<Contact> & EditForm<Contact, ContactForm> & NewForm<ContactForm> = {
  collection: 'contacts', fields, path: 'contacts', words: 'contacts', view: 'contacts.view', manage: 'contacts.manage',
  start: { phone_number: '', name: '', company: '', email: '', notes: '' },
  toForm: ({ phone_number, name, company, email, notes }) => ({ phone_number, name, company, email, notes }),
  toBody: (values: ContactForm, base?: ContactForm) => {
    if (!base) return clean(values)
    // The number stays: it is what calls are known by.
    const { phone_number: _, ...rest } = clean(values)
    const { phone_number: _n, ...before } = base
    return changed(before, rest)
  },
  label: (name) => `contacts.fields.${name}`,
  problems: ({ phone_number }, t) =>
    (isDigits(phone_number) || phone_number.includes('•') || phone_number.includes('@') || /^\d+$/.test(phone_number)
      ? {}
      : { phone_number: t(phone_number.trim() ? 'contacts.notNumber' : 'errors.field.required') }),
}
