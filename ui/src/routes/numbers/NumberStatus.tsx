import { CircleOff, CirclePlay, Hourglass, OctagonX, type LucideIcon } from 'lucide-react'
import { StatusBadge, type Tone } from '../../components/StatusBadge'
import { useT } from '../../lib/i18n'
import type { PhoneNumbersStatus } from '../../lib/pb-types.gen'

const looks: Record<PhoneNumbersStatus, { icon: LucideIcon; tone: Tone }> = {
  active: { icon: CirclePlay, tone: 'good' },
  inactive: { icon: CircleOff, tone: 'off' },
  pending: { icon: Hourglass, tone: 'busy' },
  suspended: { icon: OctagonX, tone: 'bad' },
}

/** Whether a number takes calls, in a word. */
export function NumberStatus({ status }: { status: PhoneNumbersStatus | '' }) {
  const t = useT()
  const state = status || 'inactive'
  return <StatusBadge {...looks[state]} label={t(`numbers.statuses.${state}`)} />
}
