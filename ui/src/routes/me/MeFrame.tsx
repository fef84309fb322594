import type { ReactNode } from 'react'
import { Page } from '../../components/Page'
import { SubNav } from '../../components/SubNav'
import { useT } from '../../lib/i18n'
import { useMe, type Me } from '../../lib/session'

/** The frame of a person's own pages. */
export function MeFrame({
  title,
  text,
  size = 'md',
  actions,
  children,
}: {
  title: string
  text?: ReactNode
  size?: 'sm' | 'md'
  actions?: ReactNode
  children: (me: Me) => ReactNode
}) {
  const t = useT()
  const me = useMe()
  if (!me) return null // the shell is on its way to sign-in
  return (
    <Page title={title} area={t('profile.title')} description={text ?? me.email} size={size} actions={actions}>
      <SubNav
        label={t('profile.title')}
        pages={[
          { to: '/me', label: t('profile.tabs.profile') },
          { to: '/me/security', label: t('profile.tabs.security') },
          { to: '/me/sessions', label: t('profile.tabs.sessions') },
          { to: '/me/organizations', label: t('profile.tabs.organizations') },
        ]}
      />
      {children(me)}
    </Page>
  )
}
