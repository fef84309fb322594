import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'
import { readWay, type Way } from './search'

export const numbersRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers',
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
})

export const numberRoutes = [numbersRoute, newNumberRoute, numberRoute] as const
