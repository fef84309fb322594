import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../base'

export const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  component: lazyRouteComponent(() => import('./SetupPage'), 'SetupPage'),
})
