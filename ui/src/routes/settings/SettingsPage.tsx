import { Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { Page } from '../../components/Page'
import { Forbidden } from '../../components/States'
import { SubNav, type SubPage } from '../../components/SubNav'
import { useT } from '../../lib/i18n'
import type { Action } from '../../lib/permissions'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { useSettingsPages } from './pages'

/** The frame of the settings: their menu, and a refusal for who may not see the page. */
export function SettingsPage({ title, text, needs, actions, size = 'md', children }: {
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
  const places = useSettingsPages()
  if (!needs.some(can)) return <Forbidden level={1} />
  const pages: SubPage[] = places.map(({ path, label }) => ({ to: areaPath(org, path), label: t(label) }))
  // Of one width on every page, so that the menu stays where it is.
  return (
    <Page title={title} area={t('nav.settings')} description={text} actions={actions}>
      <SubNav label={t('nav.settings')} pages={pages} />
      <Stack gap="lg" maw={`var(--pl-width-${size})`} w="100%">{children}</Stack>
    </Page>
  )
}
