import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { limits } from '../../lib/pb-types.gen'
import { orgRoute } from '../base'
import { isTab, type Tab } from './form'

export interface AssistantsSearch {
  q?: string
  status?: string
}

/** Reads the list's filters; what is no filter is left out. */
export function readAssistantsSearch(raw: Record<string, unknown>): AssistantsSearch {
  const q = typeof raw.q === 'string' || typeof raw.q === 'number' ? String(raw.q).slice(0, 100) : ''
  const status = limits.assistants.status.values.find((s) => s === raw.status)
  return { ...(q && { q }), ...(status && { status }) }
}

export const assistantsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants',
  validateSearch: readAssistantsSearch,
  component: lazyRouteComponent(() => import('./AssistantsPage'), 'AssistantsPage'),
})

export const newAssistantRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants/new',
  component: lazyRouteComponent(() => import('./NewAssistantPage'), 'NewAssistantPage'),
})

export const assistantRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants/$id',
  validateSearch: (raw: Record<string, unknown>): { tab?: Tab } => (isTab(raw.tab) ? { tab: raw.tab } : {}),
  component: lazyRouteComponent(() => import('./AssistantPage'), 'AssistantPage'),
})

export const assistantRoutes = [assistantsRoute, newAssistantRoute, assistantRoute] as const
