import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'

export const functionsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'functions',
  validateSearch: (raw: Record<string, unknown>): { q?: string } => (typeof raw.q === 'string' || typeof raw.q === 'number' ? { q: String(raw.q).slice(0, 100) } : {}),
  component: lazyRouteComponent(withWords('build', () => import('./FunctionsPage')), 'FunctionsPage'),
})

export const newFunctionRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'functions/new',
  component: lazyRouteComponent(withWords('build', () => import('./FunctionPage')), 'NewFunctionPage'),
})

export const functionRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'functions/$id',
  component: lazyRouteComponent(withWords('build', () => import('./FunctionPage')), 'FunctionPage'),
})

export const functionRoutes = [functionsRoute, newFunctionRoute, functionRoute] as const
