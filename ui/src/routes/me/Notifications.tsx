import { Alert, Stack, Switch, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { MailX, ShieldCheck } from 'lucide-react'
import { Section } from '../../components/Section'
import { failed } from '../../components/toast'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { can, type Action } from '../../lib/permissions'
import { saveMe } from '../../lib/profile'
import { useHere, type Me } from '../../lib/session'

/** What the server tells by mail, and can be turned off (hooks/notifications; a test compares the two lists). */
const kinds = ['missed_call', 'member_joined', 'sync_failed'] as const
type Kind = (typeof kinds)[number]

/** Who hears of it: whoever may do one of these somewhere. */
const hears: Record<Kind, readonly Action[]> = {
  missed_call: ['calls.view'],
  member_joined: ['team.manage'],
  sync_failed: ['assistants.manage', 'functions.manage', 'numbers.manage'],
}

/** Each choice acts at once and follows the person to every browser. What nobody chose is on. */
export function Notifications({ me }: { me: Me }) {
  const t = useT()
  const { places } = useHere()
  const { data: desk } = useQuery(deskQuery)
  const on = (kind: Kind) => me.notifications?.[kind] !== false
  const keep = useMutation({
    mutationFn: (change: Partial<Record<Kind, boolean>>) =>
      saveMe(me, { notifications: { ...Object.fromEntries(kinds.map((kind) => [kind, on(kind)])), ...change } }),
    onError: (error) => failed(problem(error, t)),
  })
  const chosen = (kind: Kind) => (keep.isPending ? keep.variables[kind] : undefined) ?? on(kind)
  const mine = kinds.filter((kind) => places.some((place) => hears[kind].some((action) => can(place, action))))
  return (
    <Section title={t('profile.notices.title')} text={t('profile.notices.text')}>
      {desk && !desk.mail && (
        <Alert color="yellow" variant="light" icon={<MailX size={18} aria-hidden />}>
          {t('profile.notices.noMail')}
        </Alert>
      )}
      <Stack gap="md">
        {mine.map((kind) => (
          <Switch
            key={kind}
            label={t(`profile.notices.${kind}`)}
            description={t(`profile.notices.${kind}Hint`)}
            checked={chosen(kind)}
            disabled={keep.isPending}
            onChange={(event) => keep.mutate({ [kind]: event.currentTarget.checked })}
          />
        ))}
      </Stack>
      {desk?.mail && (
        <Text size="sm" c="dimmed" style={{ display: 'flex', gap: 8 }}>
          <ShieldCheck size={16} aria-hidden style={{ flexShrink: 0, marginTop: 3 }} />
          {t('profile.notices.always')}
        </Text>
      )}
    </Section>
  )
}
