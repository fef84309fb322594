import { Stack, Text } from '@mantine/core'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Section } from '../../components/Section'
import { StatusBadge } from '../../components/StatusBadge'
import { useT } from '../../lib/i18n'
import type { Installation } from '../setup/Connections'
import classes from './ServerFacts.module.css'

/** What the checks of a server's health look at. */
const checks = ['service', 'database', 'writes', 'disk', 'inbox', 'messages', 'requests', 'owed', 'files'] as const

/** The server in a few facts: which it is, how it is, who hears of trouble, and where its key lies. */
export function ServerFacts({ server, mail }: Pick<Installation, 'server' | 'mail'>) {
  const t = useT()
  const { health, alerts } = server
  const bad = checks.filter((name) => health.checks[name] && health.checks[name].status !== 'pass')
  // A mail nobody can send reaches nobody.
  const mailed = alerts.mail !== '' && mail.enabled
  return (
    <Section title={t('installation.server.title')}>
      <dl className={classes.facts}>
        <Fact label={t('installation.server.version')}>{server.version}</Fact>
        <Fact label={t('installation.server.address')}>{server.public_url || t('installation.server.noAddress')}</Fact>
        <Fact label={t('installation.server.health')}>
          <Stack gap={4} align="flex-start">
            {health.status === 'healthy' ? (
              <StatusBadge icon={CircleCheck} tone="good" label={t('installation.server.well')} />
            ) : (
              <StatusBadge
                icon={TriangleAlert}
                tone={health.status === 'degraded' ? 'warn' : 'bad'}
                label={t(
                  health.status === 'degraded' ? 'installation.server.degraded' : 'installation.server.unhealthy',
                )}
              />
            )}
            {bad.map((name) => (
              <Text key={name} size="sm">
                {t('installation.server.check', {
                  name: t(`installation.server.checks.${name}`),
                  words: health.checks[name]!.message,
                })}
              </Text>
            ))}
          </Stack>
        </Fact>
        <Fact label={t('installation.server.alerts')}>
          {!mailed && !alerts.webhook && (
            <Text size="sm">
              {alerts.mail === ''
                ? t('installation.server.nobody')
                : t('installation.server.noMail', { email: alerts.mail })}
            </Text>
          )}
          {mailed && <Text size="sm">{alerts.mail}</Text>}
          {alerts.webhook && <Text size="sm">{t('installation.server.webhook')}</Text>}
        </Fact>
        <Fact label={t('installation.server.key')}>
          {server.key_file
            ? t('installation.server.keyFile', { path: server.key_file })
            : t('installation.server.keyGiven')}
        </Fact>
      </dl>
    </Section>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return <div><dt>{label}</dt><dd>{children}</dd></div>
}
