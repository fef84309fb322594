import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Page } from '../../components/Page'
import { Forbidden } from '../../components/States'
import { SubNav, type SubPage } from '../../components/SubNav'
import { operatorQuery } from '../../lib/desk'
import { useT } from '../../lib/i18n'
import type { Action } from '../../lib/permissions'
import { areaPath, useHere, useMe, useOrg } from '../../lib/session'

/** The frame of the settings: their menu, and a refusal for who may not see the page. */
export function SettingsPage({ title, text, needs, actions, size = 'lg', children }: {
  title: string
  text?: ReactNode
  /** Anybody with one of them sees the page. */
  needs: readonly Action[]
  actions?: ReactNode
  size?: 'md' | 'lg' | 'xl'
  children: ReactNode
}) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const me = useMe()
  const { data: desk } = useQuery(operatorQuery(me?.id ?? ''))
  if (!needs.some(can)) return <Forbidden level={1} />
  const to = (path: string) => areaPath(org, `settings${path}`)
  const admin = can('settings.manage')
  const view = can('settings.view')
  const pages: SubPage[] = [
    ...(view ? [{ to: to(''), label: t('settings.nav.organization') }, { to: to('/hours'), label: t('settings.nav.hours') }, { to: to('/limits'), label: t('settings.nav.limits') }] : []),
    ...(admin ? [{ to: to('/security'), label: t('settings.nav.security') }] : []),
    ...(can('integrations.manage') ? [{ to: to('/keys'), label: t('settings.nav.keys') }] : []),
    ...(admin ? [
      { to: to('/audit-log'), label: t('settings.nav.audit') }, { to: to('/privacy'), label: t('settings.nav.privacy') }, { to: to('/data'), label: t('settings.nav.data') },
    ] : []),
    ...(desk?.operator ? [{ to: to('/installation'), label: t('settings.nav.installation') }] : []),
  ]
  return (
    <Page title={title} description={text} actions={actions} size={size}>
      <SubNav label={t('nav.settings')} pages={pages} />
      {children}
    </Page>
  )
}
