import { Alert } from '@mantine/core'
import { TimerOff } from 'lucide-react'
import { useT } from '../../lib/i18n'

/** Says that a mailed link does not work (any more), and why that can be; what to do instead is put beside it. */
export function DeadLink({ text }: { text: string }) {
  const t = useT()
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<TimerOff size={18} aria-hidden />}
      role="alert"
      title={t('auth.expired.title')}
    >
      {text}
    </Alert>
  )
}
