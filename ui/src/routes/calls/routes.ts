import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'
import { readFilters } from './filters'

const callsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls',
  validateSearch: readFilters,
  component: lazyRouteComponent(withWords('calls', () => import('./CallsPage')), 'CallsPage'),
})

const liveRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls/live',
  component: lazyRouteComponent(withWords('calls', () => import('./LivePage')), 'LivePage'),
})

const callRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls/$id',
  component: lazyRouteComponent(withWords('calls', () => import('./CallPage')), 'CallPage'),
  staticData: { record: 'calls' },
})

export const callsRoutes = [callsRoute, liveRoute, callRoute] as const
