import { createRouter } from '@tanstack/react-router'
import { queries } from './lib/queries'
import { assistantRoutes } from './routes/assistants/routes'
import { agencyRoutes } from './routes/agency/routes'
import { authRoutes } from './routes/auth/routes'
import { callsRoutes } from './routes/calls/routes'
import { contactRoutes } from './routes/contacts/routes'
import { helpRoute } from './routes/help/routes'
import { homeRoutes } from './routes/home/routes'
import { indexRoute, orgIndexRoute, orgRoute, rootRoute, shellRoute } from './routes/base'
import { functionRoutes } from './routes/functions/routes'
import { meRoutes } from './routes/me/routes'
import { numberRoutes } from './routes/numbers/routes'
import { replyRoutes } from './routes/replies/routes'
import { settingsRoutes } from './routes/settings/routes'
import { setupRoute } from './routes/setup/routes'
import { teamRoutes } from './routes/team/routes'
import { PageError } from './shell/Root'

// A new area exports its routes (a tuple, children of orgRoute) and gets one line below; the left bar, the palette, the
// keys and the bottom bar then show it by themselves (shell/areas.ts).
const tree = rootRoute.addChildren([
  indexRoute,
  setupRoute,
  ...authRoutes,
  shellRoute.addChildren([
    ...meRoutes,
    helpRoute,
    ...agencyRoutes,
    orgRoute.addChildren([
      orgIndexRoute,
      ...assistantRoutes,
      ...functionRoutes,
      ...numberRoutes,
      ...homeRoutes,
      ...callsRoutes,
      ...contactRoutes,
      ...teamRoutes,
      ...settingsRoutes,
      ...replyRoutes,
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
