import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { orgRoute } from '../base'
import { readFilters } from './filters'

const callsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls',
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import('./CallsPage'), 'CallsPage'),
})

const liveRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls/live',
  component: lazyRouteComponent(() => import('./LivePage'), 'LivePage'),
})

const callRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'calls/$id',
  component: lazyRouteComponent(() => import('./CallPage'), 'CallPage'),
})

export const callsRoutes = [callsRoute, liveRoute, callRoute] as const
