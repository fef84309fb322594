import { createRouter } from '@tanstack/react-router'
import { queries } from './lib/queries'
import { forgotRoute, loginRoute, resetRoute } from './routes/auth/routes'
import { callsRoutes } from './routes/calls/routes'
import { homeRoutes } from './routes/home/routes'
import { indexRoute, orgIndexRoute, orgRoute, rootRoute, shellRoute } from './routes/base'
import { meRoute } from './routes/me/routes'
import { setupRoute } from './routes/setup/routes'
import { PageError } from './shell/Root'

// A new area exports its routes (a tuple, children of orgRoute) and gets one line below; the left bar, the palette, the
// keys and the bottom bar then show it by themselves (shell/areas.ts).
const tree = rootRoute.addChildren([
  indexRoute,
  setupRoute,
  loginRoute,
  forgotRoute,
  resetRoute,
  shellRoute.addChildren([
    meRoute,
    orgRoute.addChildren([
      orgIndexRoute,
      ...homeRoutes,
      ...callsRoutes,
    ]),
  ]),
])

export const router = createRouter({
  routeTree: tree,
  context: { queries },
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0, // TanStack Query decides what is stale
  scrollRestoration: true,
  defaultErrorComponent: PageError,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
