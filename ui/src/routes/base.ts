import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext, createRoute, lazyRouteComponent, redirect,
  type RouteComponent, type StaticDataRouteOption,
} from '@tanstack/react-router'
import { code } from '../lib/code'
import { deskQuery } from '../lib/desk'
import type { Key } from '../lib/i18n'
import { pb } from '../lib/pb'
import type { Records } from '../lib/pb-types.gen'
import type { Action } from '../lib/permissions'
import { lastPlace, placesQuery, rememberPlace } from '../lib/session'
import { NotFoundInside, NotFoundPage, Root, RouteError } from '../shell/Root'

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** The page's entry in the menu of the settings: in the order of the routes, or behind the page at `after`. */
    settings?: { label: Key; needs: Action | 'operator'; after?: string }
    /** Whose row the `$id` of the path names. The browser walk looks for one. */
    record?: keyof Records
  }
}

interface Context {
  queries: QueryClient
}

export const rootRoute = createRootRouteWithContext<Context>()({
  component: Root,
  errorComponent: RouteError,
  notFoundComponent: NotFoundPage,
})

const frame = code(() => import('../frame'))

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
  component: lazyRouteComponent(frame, 'SignedIn'),
  notFoundComponent: NotFoundInside,
})

/** An organization's pages. An organization the person does not belong to looks like one that does not exist. */
export const orgRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/o/$org',
  beforeLoad: ({ context, params }) => {
    if (context.places.open.some((p) => p.organization === params.org)) rememberPlace(params.org)
  },
  component: lazyRouteComponent(frame, 'OrgPages'),
  notFoundComponent: NotFoundInside,
})

/** A page of an organization whose address holds nothing but its path. */
export const orgPage = <const P extends string>(
  path: P, component: RouteComponent, staticData: StaticDataRouteOption = {},
) => createRoute({ getParentRoute: () => orgRoute, path, component, staticData })

export const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: async ({ context }) => {
    const me = pb.authStore.isValid ? pb.authStore.record : null
    if (!me) throw redirect({ to: '/login', search: {} })
    const places = await context.queries.ensureQueryData(placesQuery(me.id))
    const place = lastPlace(places)
    if (place) throw redirect({ to: '/o/$org', params: { org: place.organization } })
    // Whoever belongs nowhere begins something of their own; whom somebody paused is told so.
    throw redirect({ to: places.paused.length > 0 ? '/me/organizations' : '/new' })
  },
})

export const orgIndexRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: '/',
  component: lazyRouteComponent(frame, 'FirstArea'),
})
