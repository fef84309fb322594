import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider, type AnyRoute,
} from '@tanstack/react-router'
import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { vi } from 'vitest'
import { ConfirmHost } from './components/confirm'
import { operatorQuery } from './lib/desk'
import { I18nProvider } from './lib/i18n'
import { pb } from './lib/pb'
import type { Access } from './lib/permissions'

// Nobody checks the signature in a browser, only how long it is good for.
const token = `e30.${btoa(JSON.stringify({ exp: 4_102_444_800 }))}.x`

/** Pages of an organization for a test: what is at each path below /o/o1, seen by a member with these rights. */
export async function showPages(pages: Record<string, ReactNode>, path: string, access: Access = { role: 'owner' }) {
  const root = createRootRoute()
  const at = ([path, page]: [string, ReactNode]) =>
    createRoute({ getParentRoute: () => root, path: `/o/$org/${path}`, component: () => page })
  return showTree(root.addChildren(Object.entries(pages).map(at)), path, access)
}

/** The same with routes as they are. */
export async function showTree(routeTree: AnyRoute, path: string, access: Access = { role: 'owner' }) {
  pb.authStore.save(token, { id: 'u1', collectionId: 'users', collectionName: 'users' })
  vi.spyOn(window, 'matchMedia').mockImplementation(
    (media) => Object.assign(new EventTarget(), { matches: false, media }) as unknown as MediaQueryList,
  )
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })
  const place = {
    id: 'm1',
    user: 'u1',
    organization: 'o1',
    status: 'active',
    expand: { organization: { id: 'o1', name: 'Acme' } },
    ...access,
  }
  queries.setQueryData(['me', 'memberships', 'u1'], { open: [place], closed: [], paused: [] })
  queries.setQueryData(operatorQuery('u1').queryKey, { operator: false } as never)
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: [`/o/o1/${path}`] }) })
  render(
    <QueryClientProvider client={queries}>
      <MantineProvider env="test">
        <I18nProvider>
          <RouterProvider router={router as never} />
          <ConfirmHost />
        </I18nProvider>
      </MantineProvider>
    </QueryClientProvider>,
  )
  return { router, queries, user: userEvent.setup() }
}
