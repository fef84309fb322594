import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { rootRoute } from '../base'
import { LoginPage } from './LoginPage'
import { onward, safeNext } from './next'

const readNext = (search: Record<string, unknown>): { next?: string } => {
  const next = safeNext(search.next)
  return next ? { next } : {}
}

// Not lazy: it is the first thing most visits show.
export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: readNext,
  beforeLoad: ({ search, location }) => {
    if (pb.authStore.isValid) throw redirect({ href: onward(search.next, location.hash) ?? '/' })
  },
  component: LoginPage,
})

export const forgotRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/forgot-password',
  component: lazyRouteComponent(withWords('people', () => import('./ForgotPage')), 'ForgotPage'),
})

export const resetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/reset',
  component: lazyRouteComponent(withWords('people', () => import('./ResetPage')), 'ResetPage'),
})

export const registerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/register',
  validateSearch: readNext,
  component: lazyRouteComponent(withWords('people', () => import('./RegisterPage')), 'RegisterPage'),
})

export const verifyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/verify',
  component: lazyRouteComponent(withWords('people', () => import('./VerifyPage')), 'VerifyPage'),
})

export const confirmEmailRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/confirm-email',
  component: lazyRouteComponent(withWords('people', () => import('./ConfirmEmailPage')), 'ConfirmEmailPage'),
})

export const acceptRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/accept-invite',
  component: lazyRouteComponent(withWords('people', () => import('./AcceptPage')), 'AcceptPage'),
})

/** Links of earlier versions had the token in the path; they work until they expire, and the token leaves the address at once. */
const tokenInPath = (page: string) =>
  createRoute({
    getParentRoute: () => rootRoute,
    path: `${page}/$token`,
    beforeLoad: ({ params }) => {
      throw redirect({ href: `${page}#token=${encodeURIComponent((params as { token: string }).token)}`, replace: true })
    },
  })

export const authRoutes = [
  loginRoute, forgotRoute, resetRoute, registerRoute, verifyRoute, confirmEmailRoute, acceptRoute,
  tokenInPath('/reset'), tokenInPath('/verify'), tokenInPath('/confirm-email'), tokenInPath('/accept-invite'),
] as const
