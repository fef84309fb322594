import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { orgRoute } from '../base'

const homeRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'home',
  component: lazyRouteComponent(() => import('./HomePage'), 'HomePage'),
})

export const homeRoutes = [homeRoute] as const
