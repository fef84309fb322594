import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { shellRoute } from '../base'

const page = <const P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) => createRoute({ getParentRoute: () => shellRoute, path, component })

export const meRoutes = [
  page('/me', lazyRouteComponent(withWords('people', () => import('./MePage')), 'MePage')),
  page('/me/security', lazyRouteComponent(withWords('people', () => import('./SecurityPage')), 'SecurityPage')),
  page('/me/sessions', lazyRouteComponent(withWords('people', () => import('./SessionsPage')), 'SessionsPage')),
  page('/me/organizations', lazyRouteComponent(withWords('people', () => import('./OrganizationsPage')), 'OrganizationsPage')),
] as const
