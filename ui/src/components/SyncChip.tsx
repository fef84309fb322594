import { Button, Popover, Stack, Text } from '@mantine/core'
import { CircleCheck, CloudAlert, RefreshCw } from 'lucide-react'
import { useT } from '../lib/i18n'
import { StatusBadge } from './StatusBadge'

export type SyncStatus = 'synced' | 'pending' | 'failed' | 'deleting'

/**
 * Whether the provider's copy equals ours; a failure shows the provider's own words and can be tried again. `held`: it waits
 * until a restore is confirmed.
 */
export function SyncChip({ status, provider, reason, held = false, onRetry, retrying }: {
  status: SyncStatus
  provider: string
  reason?: string
  held?: boolean
  onRetry?: () => void
  retrying?: boolean
}) {
  const t = useT()
  if (status === 'synced') return <StatusBadge icon={CircleCheck} tone="good" label={t('sync.synced')} />
  const failed = status === 'failed'
  const label = t(held && status === 'pending' ? 'sync.held' : `sync.${status}`)
  // What is on its way has a reason only when it has to wait.
  if (!failed && !reason) return <StatusBadge icon={RefreshCw} tone="busy" label={label} />
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
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Stack gap="xs">
          {failed && (
            <Text size="sm" fw={550}>
              {t('sync.failedAt', { provider })}
            </Text>
          )}
          <Text size="sm" c="dimmed" className="pl-wrap">
            {reason || t('sync.noReason')}
          </Text>
          {onRetry && (
            <Button size="xs" variant="default" loading={retrying} onClick={onRetry}>
              {t('states.retry')}
            </Button>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
