import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { shellRoute } from '../base'
import { readAgencySearch } from './search'

export const agencyRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/agency',
  validateSearch: readAgencySearch,
  component: lazyRouteComponent(withWords('people', () => import('./AgencyPage')), 'AgencyPage'),
})

export const newClientRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/new',
  component: lazyRouteComponent(withWords('people', () => import('./NewClientPage')), 'NewClientPage'),
})

export const agencyRoutes = [agencyRoute, newClientRoute] as const
