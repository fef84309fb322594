import { Text } from '@mantine/core'
import { useT } from '../../lib/i18n'
import { useSaid } from '../../lib/said'
import type { CallDetail } from './data'
import { aboutOf, cameTo } from './words'

// The provider has some six hundred reasons; these are the ones people meet. The others are told by their outcome.
const known = [
  'customer-ended-call',
  'assistant-ended-call',
  'assistant-ended-call-after-message-spoken',
  'assistant-said-end-call-phrase',
  'assistant-forwarded-call',
  'silence-timed-out',
  'exceeded-max-duration',
  'customer-did-not-answer',
  'customer-busy',
  'voicemail',
  'manually-canceled',
  'customer-ended-call-before-warm-transfer',
  'assistant-not-found',
  'assistant-request-failed',
  'assistant-request-returned-error',
  'twilio-failed-to-connect-call',
  'customer-did-not-give-microphone-permission',
] as const

/** Why the call ended, in words where they are not what the call is about. The provider's own word is for programs alone. */
export function EndReason({ call }: { call: CallDetail }) {
  const t = useT()
  const say = useSaid()
  if (!call.ended_reason || call.placing === 'lost' || call.placing === 'cancelled') return null
  // A sentence is this server's own; the provider's reasons are single words.
  if (call.ended_reason.includes(' '))
    return (
      <Text size="sm" c="dimmed" className="pl-wrap">
        {say(call.ended_reason)}
      </Text>
    )
  const reason = known.find((one) => one === call.ended_reason)
  const words = reason ? t(`calls.ended.${reason}`) : t(`calls.came.${cameTo(call)}`)
  return words === aboutOf(call, t) ? null : <Text size="sm" c="dimmed">{words}</Text>
}
