import { Alert, Text } from '@mantine/core'
import { Hourglass, TriangleAlert } from 'lucide-react'
import { useT } from '../../lib/i18n'
import { useSaid } from '../../lib/said'
import type { NumberDetail } from './data'
import { neverThere, wasRefused } from './form'

/** What has become of a number that is not at the provider yet: on its way, waiting for something, or refused, and why. */
export function Beginning({ record }: { record: NumberDetail }) {
  const t = useT()
  const say = useSaid()
  const reason = say(record.sync_error)
  if (!neverThere(record) && record.phone_number) return null
  if (wasRefused(record)) {
    return (
      <Alert
        color="red"
        variant="light"
        role="alert"
        icon={<TriangleAlert size={18} aria-hidden />}
        title={t(record.provider === 'vapi' ? 'numbers.notOrdered' : 'numbers.notConnected')}
      >
        <Text size="sm" className="pl-wrap">
          {reason || t('sync.noReason')}
        </Text>
        <Text size="sm" mt={4}>
          {t('numbers.triedAgain')}
        </Text>
      </Alert>
    )
  }
  return (
    <Alert color={reason ? 'yellow' : 'blue'} variant="light" role="status" icon={<Hourglass size={18} aria-hidden />}>
      <Text size="sm" className="pl-wrap">
        {reason || t(record.provider === 'vapi' ? 'numbers.waiting' : 'numbers.connecting')}
      </Text>
    </Alert>
  )
}
