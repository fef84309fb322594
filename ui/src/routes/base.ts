import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { deskQuery } from '../lib/desk'
import { pb } from '../lib/pb'
import { lastPlace, placesQuery, rememberPlace } from '../lib/session'
import { NotFoundPage, Root, RouteError } from '../shell/Root'

interface Context {
  queries: QueryClient
}

export const rootRoute = createRootRouteWithContext<Context>()({
  component: Root,
  errorComponent: RouteError,
  notFoundComponent: NotFoundPage,
})

/** Everything that needs a session: the shell around the page, sign-in and back when there is none. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'signed-in',
  beforeLoad: async ({ context, location }) => {
    const me = pb.authStore.isValid ? pb.authStore.record : null
    if (!me) throw redirect({ to: '/login', search: { next: location.href } })
    // The desk comes along so that its bars are there from the first paint; without an answer the page still opens.
    const [places] = await Promise.all([
      context.queries.ensureQueryData(placesQuery(me.id)),
      context.queries.ensureQueryData(deskQuery).catch(() => undefined),
    ])
    return { places }
  },
  component: lazyRouteComponent(() => import('../frame'), 'SignedIn'),
})

/** An organization's pages. An organization the person does not belong to looks like one that does not exist. */
export const orgRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/o/$org',
  beforeLoad: ({ context, params }) => {
    if (context.places.open.some((p) => p.organization === params.org)) rememberPlace(params.org)
  },
  component: lazyRouteComponent(() => import('../frame'), 'OrgPages'),
})

export const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: async ({ context }) => {
    const me = pb.authStore.isValid ? pb.authStore.record : null
    if (!me) throw redirect({ to: '/login', search: {} })
    const place = lastPlace(await context.queries.ensureQueryData(placesQuery(me.id)))
    throw place ? redirect({ to: '/o/$org', params: { org: place.organization } }) : redirect({ to: '/me' })
  },
})

export const orgIndexRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: '/',
  component: lazyRouteComponent(() => import('../frame'), 'FirstArea'),
})
