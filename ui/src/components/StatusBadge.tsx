import { Badge } from '@mantine/core'
import type { LucideIcon } from 'lucide-react'

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off'

const colors: Record<Tone, string> = { good: 'green', busy: 'blue', warn: 'yellow', bad: 'red', off: 'gray' }

/** A state in a word, with its icon: colour alone says nothing to many people. */
export function StatusBadge({ icon: Icon, label, tone }: { icon: LucideIcon; label: string; tone: Tone }) {
  return (
    <Badge
      variant="light"
      color={colors[tone]}
      radius="sm"
      tt="none"
      fw={550}
      miw="max-content"
      leftSection={<Icon size={13} aria-hidden />}
    >
      {label}
    </Badge>
  )
}
