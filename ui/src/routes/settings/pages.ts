import { useQuery } from '@tanstack/react-query'
import { useRouter, type StaticDataRouteOption } from '@tanstack/react-router'
import { operatorQuery } from '../../lib/desk'
import type { Key } from '../../lib/i18n'
import type { Action } from '../../lib/permissions'
import { useHere, useMe } from '../../lib/session'

interface SettingsPlace {
  /** Below /o/$org. */
  path: string
  label: Key
}

/** Routes by their path, as the router has them. */
type Routes = Record<string, { options: { staticData?: StaticDataRouteOption } }>

const BELOW = '/o/$org/'

/** The settings' pages that somebody may see, in the order of their menu: those of the routes that have an entry. */
export function settingsPages(routes: object, can: (action: Action) => boolean, operator: boolean): SettingsPlace[] {
  const menu: (SettingsPlace & { may: boolean })[] = []
  for (const [path, { options }] of Object.entries(routes as Routes)) {
    const entry = options.staticData?.settings
    if (!entry) continue
    const { label, needs, after } = entry
    const page = { path: path.slice(BELOW.length), label, may: needs === 'operator' ? operator : can(needs) }
    const before = menu.findIndex((other) => other.path === after)
    menu.splice(before < 0 ? menu.length : before + 1, 0, page)
  }
  return menu.filter(({ may }) => may).map(({ path, label }) => ({ path, label }))
}

/** Those of the person and the organization on screen. */
export function useSettingsPages(): SettingsPlace[] {
  const { can } = useHere()
  const { data: desk } = useQuery(operatorQuery(useMe()?.id ?? ''))
  return settingsPages(useRouter().routesByPath, can, desk?.operator === true)
}
