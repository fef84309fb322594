import { CirclePause, CirclePlay, CircleX, GraduationCap, type LucideIcon } from 'lucide-react'
import { StatusBadge, type Tone } from '../../components/StatusBadge'
import { useT } from '../../lib/i18n'
import type { AssistantsStatus } from '../../lib/pb-types.gen'

const looks: Record<AssistantsStatus, { icon: LucideIcon; tone: Tone }> = {
  active: { icon: CirclePlay, tone: 'good' },
  inactive: { icon: CirclePause, tone: 'off' },
  training: { icon: GraduationCap, tone: 'busy' },
  error: { icon: CircleX, tone: 'bad' },
}

/** Whether an assistant answers, in a word. */
export function AssistantStatus({ status }: { status: AssistantsStatus | '' }) {
  const t = useT()
  const state = status || 'inactive'
  return <StatusBadge {...looks[state]} label={t(`assistants.statuses.${state}`)} />
}
