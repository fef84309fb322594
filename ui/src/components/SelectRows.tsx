import { ActionIcon } from '@mantine/core'
import { ListChecks } from 'lucide-react'
import { useT } from '../lib/i18n'

/** On a phone, what begins and ends the selection of rows. */
export function SelectRows({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  const t = useT()
  return (
    <ActionIcon
      variant={on ? 'light' : 'default'}
      size={36}
      aria-label={t('list.select')}
      aria-pressed={on}
      onClick={() => onChange(!on)}
    >
      <ListChecks size={16} aria-hidden />
    </ActionIcon>
  )
}
