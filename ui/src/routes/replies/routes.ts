import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { typedIn } from '../../lib/search'
import { orgPage, orgRoute } from '../base'

export const shownLanguages = ['en', 'fr', 'any'] as const
/** By shortcut, unless the address says otherwise. */
export const orders = ['-updated'] as const

export interface RepliesSearch {
  q?: string
  language?: (typeof shownLanguages)[number]
  sort?: (typeof orders)[number]
}

/** Reads the list's search, filter and order; what is none of them is left out. */
export function readRepliesSearch(raw: Record<string, unknown>): RepliesSearch {
  const q = typedIn(raw.q)
  const language = shownLanguages.find((one) => one === raw.language)
  const sort = orders.find((one) => one === raw.sort)
  return { ...(q && { q }), ...(language && { language }), ...(sort && { sort }) }
}

const one = withWords('people', () => import('./ReplyPage'))

export const repliesRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'settings/replies',
  validateSearch: readRepliesSearch,
  component: lazyRouteComponent(withWords('people', () => import('./RepliesPage')), 'RepliesPage'),
  staticData: { settings: { label: 'settings.nav.replies', needs: 'replies.view', after: 'settings/limits' } },
})

export const replyRoutes = [
  repliesRoute,
  orgPage('settings/replies/new', lazyRouteComponent(one, 'NewReplyPage')),
  orgPage('settings/replies/$id', lazyRouteComponent(one, 'ReplyPage'), { record: 'saved_replies' }),
] as const
