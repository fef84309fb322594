import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Laptop, LogOut, Smartphone } from 'lucide-react'
import { confirm } from '../../components/confirm'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { device } from './device'
import { MeFrame } from './MeFrame'

interface Session {
  id: string
  ip_address: string
  user_agent: string
  method: string
  created: string
  last_seen_at: string
  current: boolean
}

const key = ['me', 'sessions']

export function SessionsPage() {
  const t = useT()
  const queries = useQueryClient()
  const list = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => (await api.get<{ sessions: Session[] }>('/api/me/sessions', { signal })).sessions,
  })
  const others = useMutation({
    mutationFn: () => api.post('/api/me/sessions/end-others'),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: key })
      saved(t('profile.sessions.othersDone'))
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async () => {
    if (
      await confirm({
        title: t('profile.sessions.othersTitle'),
        body: t('profile.sessions.othersText'),
        action: t('profile.sessions.others'),
        danger: true,
      })
    )
      others.mutate()
  }
  const sessions = [...(list.data ?? [])].sort(
    (a, b) => Number(b.current) - Number(a.current) || b.last_seen_at.localeCompare(a.last_seen_at),
  )
  return (
    <MeFrame title={t('profile.tabs.sessions')} text={t('profile.sessions.text')}>
      {() => (
        <Stack gap="sm">
          {list.isPending && <SkeletonAfter200ms lines={6} />}
          {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {sessions.map((session) => (
            <Row key={session.id} session={session} />
          ))}
          {sessions.length > 1 && (
            <Group>
              <Button
                variant="default"
                loading={others.isPending}
                leftSection={<LogOut size={16} aria-hidden />}
                onClick={() => void ask()}
              >
                {t('profile.sessions.others')}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </MeFrame>
  )
}

const methods = ['password', 'otp', 'oauth2', 'mfa', 'invitation', 'token'] as const

function Row({ session }: { session: Session }) {
  const t = useT()
  const queries = useQueryClient()
  const { browser, system, phone } = device(session.user_agent)
  const name =
    browser && system
      ? t('profile.sessions.on', { browser, system })
      : browser || system || t('profile.sessions.unknown')
  const end = useMutation({
    mutationFn: () => api.delete(`/api/me/sessions/${session.id}`),
    onSuccess: () => void queries.invalidateQueries({ queryKey: key }),
    onError: (error) => failed(problem(error, t)),
  })
  const method = methods.find((m) => m === session.method)
  const Icon = phone ? Smartphone : Laptop
  return (
    <Paper withBorder p="md" bg="var(--pl-surface)">
      <Group justify="space-between" gap="sm" align="flex-start">
        <Group gap="sm" wrap="nowrap" align="flex-start" miw={0} style={{ flex: '1 1 14rem' }}>
          <Icon size={22} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
          <Stack gap={2} miw={0}>
            <Text size="sm" fw={600} className="pl-wrap">
              {name}
            </Text>
            <Text size="sm" c="dimmed" className="pl-wrap">
              {[session.ip_address, method && t(`profile.sessions.methods.${method}`)].filter(Boolean).join(' · ')}
            </Text>
            <Text size="sm" c="dimmed">
              {t('profile.sessions.seen')} <When value={session.last_seen_at} /> · {t('profile.sessions.since')}{' '}
              <When value={session.created} />
            </Text>
          </Stack>
        </Group>
        {session.current ? (
          <StatusBadge icon={Laptop} tone="good" label={t('profile.sessions.this')} />
        ) : (
          <Button
            size="xs"
            variant="default"
            loading={end.isPending}
            onClick={() => end.mutate()}
            aria-label={t('profile.sessions.endOne', { name })}
          >
            {t('profile.sessions.end')}
          </Button>
        )}
      </Group>
    </Paper>
  )
}
