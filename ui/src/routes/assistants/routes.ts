import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'
import { readAssistantSearch, readAssistantsSearch } from './search'

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
  validateSearch: readAssistantSearch,
  component: lazyRouteComponent(withWords('build', () => import('./AssistantPage')), 'AssistantPage'),
  staticData: { record: 'assistants' },
})

export const assistantRoutes = [assistantsRoute, newAssistantRoute, assistantRoute] as const
