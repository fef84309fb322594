import { Group, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useOrg } from '../../lib/session'
import { SettingsPage } from './SettingsPage'

const shown = ['minutes', 'assistants', 'numbers', 'members'] as const
type Counts = Record<(typeof shown)[number], number>

export interface LimitsAnswer {
  plan: '' | 'free' | 'pro' | 'enterprise'
  limits: Counts
  used: Counts
}

// From here on a person should know.
const NEAR = 0.8

export function LimitsPage() {
  const t = useT()
  const org = useOrg()
  const answer = useQuery({
    queryKey: [org, 'organizations', 'limits'],
    meta: { collections: ['assistants', 'phone_numbers', 'memberships', 'invitations', 'usage_events'] },
    queryFn: ({ signal }) => api.get<LimitsAnswer>(`/api/organizations/${org}/limits`, { signal }),
  })
  return (
    <SettingsPage title={t('settings.nav.limits')} text={t('settings.limits.text')} needs={['settings.view']} size="md">
      {answer.isPending && <SkeletonAfter200ms lines={8} />}
      {answer.error && !answer.data && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      {answer.data && (
        <Section title={t('settings.limits.plan', { plan: t(`settings.plans.${answer.data.plan || 'free'}`) })}>
          <Stack gap="lg">
            {shown.map((name) => (
              <Bar
                key={name}
                label={t(`settings.limits.${name}`)}
                used={answer.data.used[name]}
                limit={answer.data.limits[name]}
              />
            ))}
          </Stack>
        </Section>
      )}
    </SettingsPage>
  )
}

/** How much of a limit is used, in words and as a bar. */
export function Bar({ label, used, limit }: { label: string; used: number; limit: number }) {
  const t = useT()
  const share = limit > 0 ? used / limit : 0
  const state = share >= 1 ? 'full' : share >= NEAR ? 'near' : undefined
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={550}>
          {label}
        </Text>
        <Text size="sm" className="pl-tabular">
          {limit > 0
            ? t('settings.limits.of', { used: number(used), limit: number(limit) })
            : t('settings.limits.free', { used: number(used) })}
        </Text>
      </Group>
      {limit > 0 && (
        <Progress
          value={Math.min(100, share * 100)}
          color={state === 'full' ? 'red' : state === 'near' ? 'yellow' : 'teal'}
          aria-label={label}
        />
      )}
      {state && (
        <Text size="xs" c={state === 'full' ? 'var(--mantine-color-error)' : 'dimmed'}>
          {t(`settings.limits.${state}`)}
        </Text>
      )}
    </Stack>
  )
}
