import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { readSort } from '../../lib/order'
import { readSearch } from '../../lib/search'
import { orgRoute } from '../base'

/** By name, unless the address says otherwise. */
export const sorts = ['name', '-name'] as const

interface ListSearch {
  q?: string
  sort?: (typeof sorts)[number]
}

export const functionsRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'functions',
  validateSearch: (raw: Record<string, unknown>): ListSearch => {
    const sort = readSort(raw.sort, sorts)
    return { ...readSearch(raw), ...(sort && { sort }) }
  },
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
