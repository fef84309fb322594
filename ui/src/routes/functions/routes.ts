import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { readSearch } from '../../lib/search'
import { orgRoute } from '../base'

export const functionsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'functions',
  validateSearch: readSearch,
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
  staticData: { record: 'functions' },
})

export const functionRoutes = [functionsRoute, newFunctionRoute, functionRoute] as const
