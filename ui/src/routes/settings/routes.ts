import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { orgRoute } from '../base'

const page = <const P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) => createRoute({ getParentRoute: () => orgRoute, path, component })

export interface AuditSearch {
  who?: string
  action?: string
  resource?: string
  from?: string
  to?: string
}

const words = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 100) : '')
const day = (value: unknown) => (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : '')

/** Reads the log's filters; what is no filter is left out. */
export function readAuditSearch(raw: Record<string, unknown>): AuditSearch {
  const found = { who: words(raw.who), action: words(raw.action), resource: words(raw.resource), from: day(raw.from), to: day(raw.to) }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value))
}

export const auditRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'settings/audit-log',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(withWords('people', () => import('./AuditPage')), 'AuditPage'),
})

export const settingsRoutes = [
  page('settings', lazyRouteComponent(withWords('people', () => import('./DetailsPage')), 'DetailsPage')),
  page('settings/hours', lazyRouteComponent(withWords('people', () => import('./HoursPage')), 'HoursPage')),
  page('settings/limits', lazyRouteComponent(withWords('people', () => import('./LimitsPage')), 'LimitsPage')),
  page('settings/security', lazyRouteComponent(withWords('people', () => import('./SecurityPage')), 'SecurityPage')),
  page('settings/keys', lazyRouteComponent(withWords('people', () => import('./KeysPage')), 'KeysPage')),
  page('settings/privacy', lazyRouteComponent(withWords('people', () => import('./PrivacyPage')), 'PrivacyPage')),
  page('settings/data', lazyRouteComponent(withWords('people', () => import('./DataPage')), 'DataPage')),
  page('settings/installation', lazyRouteComponent(withWords('people', () => import('./InstallationPage')), 'InstallationPage')),
  auditRoute,
] as const
