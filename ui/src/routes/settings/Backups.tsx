import { Alert, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Archive, CircleAlert, RotateCcw } from 'lucide-react'
import { useEffect } from 'react'
import { confirm } from '../../components/confirm'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert } from '../../components/States'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { forgetParting, parted } from '../../lib/parting'

interface Backup {
  name: string
  size: number
  made: string
  kind: 'by_hand' | 'nightly' | 'before_update' | 'panel'
}

interface Answer {
  folder: string
  nightly: number
  backups: Backup[]
  running: { step: string; done: number; total: number } | null
  failed: string
  /** What restores left of the data before. */
  aside: { path: string; size: number; made: string }[]
}

const key = ['installation', 'backups'] as const
/** How often a backup under way, or a server that starts again, is asked after, in milliseconds. */
const again = 1_000

/** The server's backups: made while it works; restored, with which it starts again. */
export function Backups() {
  const t = useT()
  const queries = useQueryClient()
  const answer = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.get<Answer>('/api/installation/backups', { signal }),
    refetchInterval: (query) => (query.state.data?.running ? again : false),
  })
  const make = useMutation({
    mutationFn: () => api.post('/api/installation/backups'),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  })
  const restore = useMutation({
    mutationFn: (name: string) => api.post('/api/installation/backups/restore', { name }),
    // Most sessions are not in the backup: the sign-in page then knows why it asks.
    onSuccess: () => parted('restored'),
  })
  const restarting = restore.isSuccess
  useEffect(forgetParting, []) // this one is
  useEffect(() => {
    if (!restarting) return
    const look = setInterval(() => {
      // It answers first as the old server, then not at all, then with the data of the backup.
      fetch('/readyz').then((r) => r.ok && location.reload()).catch(() => undefined)
    }, 3 * again)
    return () => clearInterval(look)
  }, [restarting])

  const ask = async (name: string) => {
    const yes = await confirm({
      title: t('installation.backups.restoreTitle', { name }),
      body: t('installation.backups.restoreText'),
      action: t('installation.backups.restore'),
      danger: true,
      typed: name,
    })
    if (yes) restore.mutate(name)
  }
  const data = answer.data
  const running = data?.running
  const failure = make.error ?? restore.error
  return (
    <Section
      title={t('installation.backups.title')}
      text={data?.nightly
        ? t('installation.backups.nightlyText', { folder: data.folder, count: number(data.nightly) })
        : t('installation.backups.text', { folder: data?.folder ?? '…' })}
      actions={(
        <Button
          variant="default"
          leftSection={<Archive size={16} aria-hidden />}
          loading={make.isPending || !!running}
          disabled={restore.isPending || restarting}
          onClick={() => make.mutate()}
        >
          {t('installation.backups.make')}
        </Button>
      )}
    >
      {answer.error && !data && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      <ProblemAlert problem={failure ? problem(failure, t) : undefined} />
      {(restore.isPending || restarting) && (
        <Alert color="blue" variant="light" role="status">
          {t('installation.backups.restarting')}
        </Alert>
      )}
      {running && (
        <Stack gap={4} role="status">
          <Text size="sm">{t('installation.backups.running')}</Text>
          <Progress
            value={running.total ? (100 * running.done) / running.total : 100}
            animated
            aria-label={t('installation.backups.running')}
          />
        </Stack>
      )}
      {data?.failed && !running && (
        <Alert
          color="red"
          variant="light"
          role="alert"
          icon={<CircleAlert size={18} aria-hidden />}
          title={t('installation.backups.failed')}
        >
          <Text size="xs" className="pl-wrap">
            {data.failed}
          </Text>
        </Alert>
      )}
      {data?.backups.length === 0 && !running && <Text size="sm" c="dimmed">{t('installation.backups.none')}</Text>}
      {!!data?.backups.length && (
        <Stack gap="xs" role="list" aria-label={t('installation.backups.title')}>
          {data.backups.map((b) => (
            <Paper key={b.name} withBorder p="sm" role="listitem">
              <Group justify="space-between" wrap="wrap" gap="xs">
                <Stack gap={2}>
                  <Text size="sm" fw={550}>
                    {t(`installation.backups.kinds.${b.kind}`)} · <When value={b.made} exact />
                  </Text>
                  <Text size="sm" c="dimmed" className="pl-wrap">
                    {b.name} · {t('installation.backups.size', { size: megabytes(b.size) })}
                  </Text>
                </Stack>
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<RotateCcw size={14} aria-hidden />}
                  aria-label={t('installation.backups.restoreTitle', { name: b.name })}
                  disabled={!!running || restore.isPending || restarting}
                  onClick={() => void ask(b.name)}
                >
                  {t('installation.backups.restore')}
                </Button>
              </Group>
            </Paper>
          ))}
        </Stack>
      )}
      {!!data?.aside.length && (
        <Stack gap="xs">
          <Text size="sm" fw={550}>{t('installation.backups.aside')}</Text>
          <Text size="sm" c="dimmed">{t('installation.backups.asideText')}</Text>
          {data.aside.map((one) => (
            <Text key={one.path} size="sm" className="pl-wrap">
              <When value={one.made} exact /> · {one.path} ·{' '}
              {t('installation.backups.size', { size: megabytes(one.size) })}
            </Text>
          ))}
        </Stack>
      )}
    </Section>
  )
}

const megabytes = (size: number) => number(size / 1_000_000, { maximumFractionDigits: size < 10_000_000 ? 1 : 0 })
