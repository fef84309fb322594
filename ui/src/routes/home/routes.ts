import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'

const homeRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'home',
  component: lazyRouteComponent(withWords('calls', () => import('../../frame')), 'HomePage'),
})

export const homeRoutes = [homeRoute] as const
