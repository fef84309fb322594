import { useRouter } from '@tanstack/react-router'
import {
  BarChart3, BookOpen, Bot, Cable, ContactRound, CreditCard, FlaskConical, Hash, Home, Inbox, Mail, Network, Phone, Plug, Settings, SquareFunction, Users, Webhook, Workflow,
  type LucideIcon,
} from 'lucide-react'
import { useMemo } from 'react'
import type { Key } from '../lib/i18n'
import type { Action } from '../lib/permissions'
import { useHere } from '../lib/session'
import { settingsPages } from '../routes/settings/pages'

export interface Area {
  id: string
  /** Below /o/$org. An area is shown when a route with this path exists and the role may see it. */
  path: string
  label: Key
  icon: LucideIcon
  needs: Action
  /** The second key after `g`. */
  key?: string
  group?: 'build' | 'connect' | 'account'
  /** In the phone's bottom bar. */
  bottom?: boolean
}

/** The left bar, in order: one line an area. Lines of areas that have no route yet stay invisible. */
const all: readonly Area[] = [
  { id: 'home', path: 'home', label: 'nav.home', icon: Home, needs: 'home.view', key: 'h', bottom: true },
  { id: 'calls', path: 'calls', label: 'nav.calls', icon: Phone, needs: 'calls.view', key: 'c', bottom: true },
  { id: 'contacts', path: 'contacts', label: 'nav.contacts', icon: ContactRound, needs: 'contacts.view', key: 'p' },
  { id: 'inbox', path: 'inbox', label: 'nav.inbox', icon: Inbox, needs: 'inbox.view', key: 'i', bottom: true },
  { id: 'assistants', path: 'assistants', label: 'nav.assistants', icon: Bot, needs: 'assistants.view', key: 'a', bottom: true },
  { id: 'numbers', path: 'numbers', label: 'nav.numbers', icon: Hash, needs: 'numbers.view', key: 'n' },
  { id: 'knowledge', path: 'knowledge', label: 'nav.knowledge', icon: BookOpen, needs: 'knowledge.view', key: 'k' },
  { id: 'analytics', path: 'analytics', label: 'nav.analytics', icon: BarChart3, needs: 'analytics.view' },
  { id: 'workflows', path: 'workflows', label: 'nav.workflows', icon: Workflow, needs: 'build.view', group: 'build' },
  { id: 'squads', path: 'squads', label: 'nav.squads', icon: Network, needs: 'build.view', group: 'build' },
  { id: 'functions', path: 'functions', label: 'nav.functions', icon: SquareFunction, needs: 'build.view', group: 'build' },
  { id: 'tests', path: 'tests', label: 'nav.tests', icon: FlaskConical, needs: 'build.view', group: 'build' },
  { id: 'channels', path: 'channels', label: 'nav.channels', icon: Cable, needs: 'integrations.manage', group: 'connect' },
  { id: 'email', path: 'email', label: 'nav.email', icon: Mail, needs: 'integrations.manage', group: 'connect' },
  { id: 'integrations', path: 'integrations', label: 'nav.integrations', icon: Plug, needs: 'integrations.manage', group: 'connect' },
  { id: 'webhooks', path: 'webhooks', label: 'nav.webhooks', icon: Webhook, needs: 'webhooks.manage', group: 'connect' },
  { id: 'billing', path: 'billing', label: 'nav.billing', icon: CreditCard, needs: 'billing.manage', group: 'account' },
  { id: 'team', path: 'team', label: 'nav.team', icon: Users, needs: 'team.view', group: 'account' },
  { id: 'settings', path: 'settings', label: 'nav.settings', icon: Settings, needs: 'settings.view', key: 's', group: 'account' },
]

/** The areas that exist in this version and that the person may see in the organization on screen. */
export function useAreas(): Area[] {
  const { place, can } = useHere()
  const router = useRouter()
  return useMemo(() => {
    const paths = router.routesByPath as Record<string, unknown>
    return all
      .filter((area) => (paths[`/o/$org/${area.path}`] ?? paths[`/o/$org/${area.path}/`]) !== undefined)
      .flatMap((area) => {
        if (can(area.needs)) return area
        // Who may not see the settings themselves finds the first of their pages that is theirs.
        const [part] = area.id === 'settings' ? settingsPages(paths, can, false) : []
        return part ? { ...area, path: part.path } : []
      })
    // oxlint-disable-next-line react/exhaustive-deps -- `can` is a new function each time; it depends on `place` alone
  }, [router, place])
}
