import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { orgRoute } from '../base'
import { ways, type Way } from './form'

export const numbersRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers',
  component: lazyRouteComponent(() => import('./NumbersPage'), 'NumbersPage'),
})

export const newNumberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/new',
  validateSearch: (raw: Record<string, unknown>): { way?: Way } => {
    const way = ways.find((one) => one === raw.way)
    return way ? { way } : {}
  },
  component: lazyRouteComponent(() => import('./NewNumberPage'), 'NewNumberPage'),
})

export const numberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/$id',
  component: lazyRouteComponent(() => import('./NumberPage'), 'NumberPage'),
})

export const numberRoutes = [numbersRoute, newNumberRoute, numberRoute] as const
