import { Stack, Switch } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Section } from '../../components/Section'
import { failed } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { saveMe } from '../../lib/profile'
import type { Me } from '../../lib/session'
import { MeFrame } from './MeFrame'

const kinds = ['missed_calls', 'person_wanted', 'low_balance', 'provider_problems', 'weekly_summary', 'new_sign_in'] as const

export function NotificationsPage() {
  const t = useT()
  return (
    <MeFrame title={t('profile.tabs.notifications')} text={t('profile.notices.text')}>
      {(me) => <Choices me={me} />}
    </MeFrame>
  )
}

/** Each choice acts at once and follows the person to every browser. What nobody chose is on. */
function Choices({ me }: { me: Me }) {
  const t = useT()
  const keep = useMutation({
    mutationFn: (change: Record<string, boolean>) => saveMe(me, { notifications: { ...me.notifications, ...change } }),
    onError: (error) => failed(problem(error, t)),
  })
  const chosen = { ...me.notifications, ...(keep.isPending && keep.variables) }
  return (
    <Section title={t('profile.notices.title')}>
      <Stack gap="md">
        {kinds.map((kind) => (
          <Switch key={kind} label={t(`profile.notices.${kind}`)} checked={chosen[kind] !== false} disabled={keep.isPending} onChange={(event) => keep.mutate({ [kind]: event.currentTarget.checked })} />
        ))}
      </Stack>
    </Section>
  )
}
