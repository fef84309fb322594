import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { shellRoute } from '../base'

export const meRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/me',
  component: lazyRouteComponent(() => import('./MePage'), 'MePage'),
})
