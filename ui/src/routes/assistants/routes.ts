import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'
import { isTab, readAssistantsSearch, type Tab } from './search'

export const assistantsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants',
  validateSearch: readAssistantsSearch,
  component: lazyRouteComponent(withWords('build', () => import('./AssistantsPage')), 'AssistantsPage'),
})

export const newAssistantRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants/new',
  component: lazyRouteComponent(withWords('build', () => import('./NewAssistantPage')), 'NewAssistantPage'),
})

export const assistantRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'assistants/$id',
  validateSearch: (raw: Record<string, unknown>): { tab?: Tab } => (isTab(raw.tab) ? { tab: raw.tab } : {}),
  component: lazyRouteComponent(withWords('build', () => import('./AssistantPage')), 'AssistantPage'),
})

export const assistantRoutes = [assistantsRoute, newAssistantRoute, assistantRoute] as const
