import { Badge, Group, Text, ThemeIcon, VisuallyHidden } from '@mantine/core'
import {
  ArrowRightLeft, CalendarClock, CircleCheck, CircleHelp, CircleX, FlaskConical, PhoneCall, PhoneForwarded,
  PhoneIncoming, PhoneMissed, PhoneOutgoing, TriangleAlert, Voicemail, type LucideIcon,
} from 'lucide-react'
import { StatusBadge, type Tone } from '../../components/StatusBadge'
import { useT, type T } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { isLive, otherEnd, type CallItem } from './data'

interface Face {
  icon: LucideIcon
  tone: Tone
}

const byOutcome: Record<string, Face> = {
  completed: { icon: CircleCheck, tone: 'good' },
  unanswered: { icon: PhoneMissed, tone: 'warn' },
  transferred: { icon: PhoneForwarded, tone: 'good' },
  no_answer: { icon: PhoneMissed, tone: 'warn' },
  voicemail: { icon: Voicemail, tone: 'warn' },
  cancelled: { icon: CircleX, tone: 'off' },
  hung_up: { icon: PhoneMissed, tone: 'warn' },
}

/** What a call that is over came to: its outcome, unless it ended in good order and nobody had spoken. */
export function cameTo({ outcome, answered, call_type }: Pick<CallItem, 'outcome' | 'answered' | 'call_type'>) {
  // A caller does not cancel: they gave up.
  if (outcome === 'cancelled' && call_type === 'inbound') return 'hung_up'
  if (outcome && outcome !== 'completed') return outcome
  return answered ? 'completed' : 'unanswered'
}

/** What a call came to, or what it is doing now, in a word with its icon. */
export function CallBadge({ call }: { call: Pick<CallItem, 'status' | 'outcome' | 'answered' | 'call_type' | 'placing'> }) {
  const t = useT()
  const { placing } = call
  // One taken back is a cancelled call.
  if (placing && placing !== 'cancelled')
    return <StatusBadge {...placingFaces[placing]} label={t(`calls.placing.${placing}.label`)} />
  if (isLive(call))
    return (
      <StatusBadge
        icon={call.status === 'forwarding' ? ArrowRightLeft : PhoneCall}
        tone="busy"
        label={t(`calls.status.${call.status as 'ringing'}`)}
      />
    )
  if (call.status === 'scheduled')
    return <StatusBadge icon={CalendarClock} tone="off" label={t('calls.status.scheduled')} />
  const outcome = cameTo(call)
  const face = byOutcome[outcome] ?? { icon: TriangleAlert, tone: 'bad' as Tone }
  return <StatusBadge icon={face.icon} tone={face.tone} label={t(`calls.outcome.${outcome}`)} />
}

const placingFaces: Record<'waiting' | 'unclear' | 'refused' | 'lost', Face> = {
  waiting: { icon: CalendarClock, tone: 'busy' },
  unclear: { icon: CircleHelp, tone: 'warn' },
  refused: { icon: TriangleAlert, tone: 'bad' },
  lost: { icon: TriangleAlert, tone: 'bad' },
}

export function TestBadge() {
  const t = useT()
  return (
    <Badge
      variant="light"
      color="gray"
      radius="sm"
      tt="none"
      fw={550}
      miw="max-content"
      title={t('calls.testHint')}
      leftSection={<FlaskConical size={13} aria-hidden />}
    >
      {t('calls.test')}
    </Badge>
  )
}

/** The other end's name, else number, else a word for "withheld". */
export function whoOf(
  call: Pick<CallItem, 'call_type' | 'caller_number' | 'recipient_number' | 'contact_name' | 'channel'>,
  t: T,
): string {
  return (
    call.contact_name || phone(otherEnd(call)) || t(call.channel === 'web' ? 'calls.webCaller' : 'calls.unknownCaller')
  )
}

/** What a call was about: its summary, or a sentence on what became of it. */
export function aboutOf(
  call: Pick<CallItem, 'summary' | 'status' | 'outcome' | 'answered' | 'call_type' | 'placing'>,
  t: T,
): string {
  if (call.summary) return call.summary
  if (call.placing) return t(`calls.placing.${call.placing}.text`)
  if (isLive(call) || call.status === 'scheduled') return t(`calls.now.${call.status as 'ringing'}`)
  return t(`calls.came.${cameTo(call)}`)
}

/** Whether it came in or went out: an icon, and a word for who hears it. */
export function Direction({ call }: { call: Pick<CallItem, 'call_type'> }) {
  const t = useT()
  const inbound = call.call_type === 'inbound'
  const Icon = inbound ? PhoneIncoming : PhoneOutgoing
  return (
    <>
      <Icon size={14} aria-hidden style={{ verticalAlign: '-2px' }} />
      <VisuallyHidden>{t(inbound ? 'calls.direction.inbound' : 'calls.direction.outbound')}</VisuallyHidden>
    </>
  )
}

/** Who called whom: direction icon, name, and the number below when the name is known. */
export function Who({ call }: { call: CallItem }) {
  const t = useT()
  const number = phone(otherEnd(call))
  const inbound = call.call_type === 'inbound'
  const Icon = inbound ? PhoneIncoming : PhoneOutgoing
  return (
    <Group gap="sm" wrap="nowrap" component="span" style={{ display: 'inline-flex' }}>
      <ThemeIcon component="span" variant="light" color={inbound ? 'teal' : 'blue'} size={30} radius="xl">
        <Icon size={15} aria-hidden />
      </ThemeIcon>
      <span style={{ minWidth: 0 }}>
        <Text
          span
          size="sm"
          fw={600}
          display="block"
          className="pl-tabular"
          style={{ whiteSpace: call.contact_name ? undefined : 'nowrap' }}
        >
          <bdi>{whoOf(call, t)}</bdi>
        </Text>
        {call.contact_name && number && (
          <Text
            span
            size="xs"
            c="dimmed"
            fw={400}
            display="block"
            className="pl-tabular"
            style={{ whiteSpace: 'nowrap' }}
          >
            {number}
          </Text>
        )}
        <VisuallyHidden>{t(inbound ? 'calls.direction.inbound' : 'calls.direction.outbound')}</VisuallyHidden>
      </span>
    </Group>
  )
}
