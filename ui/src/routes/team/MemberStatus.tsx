import { CircleCheck, CircleOff, CirclePause, Hourglass, Mail } from 'lucide-react'
import { StatusBadge } from '../../components/StatusBadge'
import { isPast } from '../../lib/format'
import { useT } from '../../lib/i18n'
import type { Member } from './data'

export function MemberStatus({ member }: { member: Member }) {
  const t = useT()
  switch (member.status) {
    case 'active':
      return <StatusBadge icon={CircleCheck} tone="good" label={t('team.states.active')} />
    case 'invited':
      return isPast(member.expires_at)
        ? <StatusBadge icon={Hourglass} tone="warn" label={t('team.states.expired')} />
        : <StatusBadge icon={Mail} tone="busy" label={t('team.states.invited')} />
    case 'suspended':
      return <StatusBadge icon={CirclePause} tone="warn" label={t('team.states.suspended')} />
    default:
      return <StatusBadge icon={CircleOff} tone="off" label={t('team.states.inactive')} />
  }
}
