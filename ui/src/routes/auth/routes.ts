import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { pb } from '../../lib/pb'
import { rootRoute } from '../base'
import { LoginPage } from './LoginPage'
import { safeNext } from './next'

// Not lazy: it is the first thing most visits show.
export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { next?: string } => {
    const next = safeNext(search.next)
    return next ? { next } : {}
  },
  beforeLoad: ({ search }) => {
    if (pb.authStore.isValid) throw redirect({ href: search.next ?? '/' })
  },
  component: LoginPage,
})

export const forgotRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('./ForgotPage'), 'ForgotPage'),
})

export const resetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/reset/$token',
  component: lazyRouteComponent(() => import('./ResetPage'), 'ResetPage'),
})
