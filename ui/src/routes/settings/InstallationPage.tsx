import { useQuery } from '@tanstack/react-query'
import { Section } from '../../components/Section'
import { ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { operatorQuery } from '../../lib/desk'
import { useT } from '../../lib/i18n'
import { useMe } from '../../lib/session'
import { installationQuery, MailSettings, ProviderCheck } from '../setup/Connections'
import { Backups } from './Backups'
import { SettingsPage } from './SettingsPage'
import { Restored } from './Restored'
import { ServerFacts } from './ServerFacts'
import { Strays } from './Strays'

/** The server itself: for the person who set it up, whatever their role in an organization. */
export function InstallationPage() {
  const t = useT()
  const me = useMe()
  const desk = useQuery(operatorQuery(me?.id ?? ''))
  const operator = desk.data?.operator === true
  const answer = useQuery({ ...installationQuery, enabled: operator })
  return (
    <SettingsPage
      title={t('settings.nav.installation')}
      text={desk.data && !operator ? undefined : t('installation.text')}
      needs={['home.view']}
      size="md"
    >
      {desk.data && !operator && <Forbidden title={t('errors.forbidden.title')} cause={t('installation.notYours')} />}
      {(desk.isPending || operator && answer.isPending) && <SkeletonAfter200ms lines={10} />}
      {answer.error && !answer.data && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      {operator && answer.data && (
        <>
          <Restored />
          <ServerFacts server={answer.data.server} mail={answer.data.mail} />
          <Section title={t('installation.provider.title')}><ProviderCheck provider={answer.data.provider} /></Section>
          <Strays />
          <Backups />
          <Section title={t('installation.mail.title')} text={t('installation.mail.text')}>
            <MailSettings mail={answer.data.mail} bar />
          </Section>
        </>
      )}
    </SettingsPage>
  )
}
