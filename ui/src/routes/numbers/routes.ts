import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { readSort } from '../../lib/order'
import { readSearch } from '../../lib/search'
import { orgRoute } from '../base'
import { readWay, type Way } from './search'

/** In the order they were added, unless the address says otherwise. */
export const sorts = ['phone_number', '-phone_number', 'friendly_name', '-friendly_name', 'status', '-status'] as const

interface ListSearch {
  q?: string
  sort?: (typeof sorts)[number]
}

export const numbersRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers',
  validateSearch: (raw: Record<string, unknown>): ListSearch => {
    const sort = readSort(raw.sort, sorts)
    return { ...readSearch(raw), ...(sort && { sort }) }
  },
  component: lazyRouteComponent(withWords('build', () => import('./NumbersPage')), 'NumbersPage'),
})

export const newNumberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/new',
  validateSearch: (raw: Record<string, unknown>): { way?: Way } => readWay(raw),
  component: lazyRouteComponent(withWords('build', () => import('./NewNumberPage')), 'NewNumberPage'),
})

export const numberRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'numbers/$id',
  component: lazyRouteComponent(withWords('build', () => import('./NumberPage')), 'NumberPage'),
  staticData: { record: 'phone_numbers' },
})

export const numberRoutes = [numbersRoute, newNumberRoute, numberRoute] as const
