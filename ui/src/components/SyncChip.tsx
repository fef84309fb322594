import { Button, Popover, Stack, Text } from '@mantine/core'
import { CircleCheck, CloudAlert, RefreshCw } from 'lucide-react'
import { useT } from '../lib/i18n'
import { StatusBadge } from './StatusBadge'

export type SyncStatus = 'synced' | 'pending' | 'failed' | 'deleting'

/** Whether the provider's copy equals ours; a failure shows the provider's own words and can be tried again. */
export function SyncChip({ status, provider, reason, onRetry, retrying }: {
  status: SyncStatus
  provider: string
  reason?: string
  onRetry?: () => void
  retrying?: boolean
}) {
  const t = useT()
  if (status === 'synced') return <StatusBadge icon={CircleCheck} tone="good" label={t('sync.synced')} />
  const failed = status === 'failed'
  const unclear = status === 'pending' && !!reason // it is not known yet: the reason says so
  if (!failed && !unclear) return <StatusBadge icon={RefreshCw} tone="busy" label={t(status === 'deleting' ? 'sync.deleting' : 'sync.pending')} />
  return (
    <Popover width={300} withArrow shadow="md" trapFocus>
      <Popover.Target>
        <Button
          variant="light"
          color={failed ? 'red' : 'yellow'}
          size="compact-xs"
          radius="sm"
          leftSection={<CloudAlert size={13} aria-hidden />}
        >
          {t(`sync.${status}`)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t(`sync.${status}`)}>
        <Stack gap="xs">
          {failed && <Text size="sm" fw={550}>{t('sync.failedAt', { provider })}</Text>}
          <Text size="sm" c="dimmed" className="pl-wrap">{reason || t('sync.noReason')}</Text>
          {onRetry && <Button size="xs" variant="default" loading={retrying} onClick={onRetry}>{t('states.retry')}</Button>}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
