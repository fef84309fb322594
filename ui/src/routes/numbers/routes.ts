import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { readSearch } from '../../lib/search'
import { orgRoute } from '../base'
import { readWay, type Way } from './search'

export const numbersRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers',
  validateSearch: readSearch,
  component: lazyRouteComponent(withWords('build', () => import('./NumbersPage')), 'NumbersPage'),
})

export const newNumberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/new',
  validateSearch: (raw: Record<string, unknown>): { way?: Way } => readWay(raw),
  component: lazyRouteComponent(withWords('build', () => import('./NewNumberPage')), 'NewNumberPage'),
})

export const numberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/$id',
  component: lazyRouteComponent(withWords('build', () => import('./NumberPage')), 'NumberPage'),
  staticData: { record: 'phone_numbers' },
})

export const numberRoutes = [numbersRoute, newNumberRoute, numberRoute] as const
