import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { readSort } from '../../lib/order'
import { typedIn } from '../../lib/search'
import { orgRoute } from '../base'

export const memberStates = ['active', 'invited', 'suspended', 'inactive'] as const
const roles = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] as const

/** Where all of the team is on screen; otherwise members first, then invitations, the oldest first. */
export const sorts = ['name', '-name', 'role', '-role', 'department', '-department', 'status', '-status', 'seen', '-seen'] as const

export interface TeamSearch {
  q?: string
  sort?: (typeof sorts)[number]
  role?: (typeof roles)[number]
  status?: (typeof memberStates)[number]
  department?: string
}

/** Reads the list's filters; what is no filter is left out. */
export function readTeamSearch(raw: Record<string, unknown>): TeamSearch {
  const [q, department] = [typedIn(raw.q), typedIn(raw.department)]
  const role = roles.find((r) => r === raw.role)
  const status = memberStates.find((s) => s === raw.status)
  const sort = readSort(raw.sort, sorts)
  return {
    ...(q && { q }), ...(role && { role }), ...(status && { status }), ...(department && { department }), ...(sort && { sort }),
  }
}

export const teamRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'team',
  validateSearch: readTeamSearch,
  component: lazyRouteComponent(withWords('people', () => import('./TeamPage')), 'TeamPage'),
})

export const rolesRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'team/roles',
  component: lazyRouteComponent(withWords('people', () => import('./RolesPage')), 'RolesPage'),
})

export const teamRoutes = [teamRoute, rolesRoute] as const
