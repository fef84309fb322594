import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../../lib/i18n'
import { typedIn } from '../../lib/search'
import { orgPage, orgRoute } from '../base'

export interface AuditSearch {
  who?: string
  action?: string
  resource?: string
  from?: string
  to?: string
}

const day = (value: unknown) => (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : '')

/** Reads the log's filters; what is no filter is left out. */
export function readAuditSearch(raw: Record<string, unknown>): AuditSearch {
  const found = { who: typedIn(raw.who), action: typedIn(raw.action), resource: typedIn(raw.resource), from: day(raw.from), to: day(raw.to) }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value))
}

export const auditRoute = createRoute({
  getParentRoute: () => orgRoute,
  path: 'settings/audit-log',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(withWords('people', () => import('./AuditPage')), 'AuditPage'),
  staticData: { settings: { label: 'settings.nav.audit', needs: 'settings.manage' } },
})

export const settingsRoutes = [
  orgPage('settings', lazyRouteComponent(withWords('people', () => import('./DetailsPage')), 'DetailsPage'), {
    settings: { label: 'settings.nav.organization', needs: 'settings.view' },
  }),
  orgPage('settings/hours', lazyRouteComponent(withWords('people', () => import('./HoursPage')), 'HoursPage'), {
    settings: { label: 'settings.nav.hours', needs: 'settings.view' },
  }),
  orgPage('settings/limits', lazyRouteComponent(withWords('people', () => import('./LimitsPage')), 'LimitsPage'), {
    settings: { label: 'settings.nav.limits', needs: 'settings.view' },
  }),
  orgPage('settings/security', lazyRouteComponent(withWords('people', () => import('./SecurityPage')), 'SecurityPage'), {
    settings: { label: 'settings.nav.security', needs: 'settings.manage' },
  }),
  orgPage('settings/keys', lazyRouteComponent(withWords('people', () => import('./KeysPage')), 'KeysPage'), {
    settings: { label: 'settings.nav.keys', needs: 'integrations.manage' },
  }),
  auditRoute,
  orgPage('settings/privacy', lazyRouteComponent(withWords('people', () => import('./PrivacyPage')), 'PrivacyPage'), {
    settings: { label: 'settings.nav.privacy', needs: 'settings.manage' },
  }),
  orgPage('settings/data', lazyRouteComponent(withWords('people', () => import('./DataPage')), 'DataPage'), {
    settings: { label: 'settings.nav.data', needs: 'settings.manage' },
  }),
  orgPage('settings/installation', lazyRouteComponent(withWords('people', () => import('./InstallationPage')), 'InstallationPage'), {
    settings: { label: 'settings.nav.installation', needs: 'operator' },
  }),
] as const
