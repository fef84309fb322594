import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { can } from '../../lib/permissions'
import { orgRoute } from '../base'
import { homeQuery, lastCallsQuery } from './data'

const homeRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'home',
  // Asked for while the page's code is coming, and not waited for: the page draws what is there.
  loader: ({ context: { queries, places }, params: { org } }) => {
    if (!can(places.open.find((place) => place.organization === org), 'calls.view')) return
    void queries.prefetchQuery(homeQuery(org))
    void queries.prefetchQuery(lastCallsQuery(org))
  },
  component: lazyRouteComponent(withWords('calls', () => import('../../frame')), 'HomePage'),
})

export const homeRoutes = [homeRoute] as const
