import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { typedIn } from '../../lib/search'
import { orgPage, orgRoute } from '../base'

export interface ContactsSearch {
  q?: string
  blocked?: 'true'
}

/** Reads the list's search and filter; what is none of them is left out. */
export function readContactsSearch(raw: Record<string, unknown>): ContactsSearch {
  const q = typedIn(raw.q)
  return { ...(q && { q }), ...(String(raw.blocked) === 'true' && { blocked: 'true' }) }
}

const one = withWords('calls', () => import('./ContactPage'))

export const contactsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'contacts',
  validateSearch: readContactsSearch,
  component: lazyRouteComponent(withWords('calls', () => import('./ContactsPage')), 'ContactsPage'),
})

export const contactRoutes = [
  contactsRoute,
  orgPage('contacts/new', lazyRouteComponent(one, 'NewContactPage')),
  orgPage('contacts/$id', lazyRouteComponent(one, 'ContactPage'), { record: 'contacts' }),
] as const
