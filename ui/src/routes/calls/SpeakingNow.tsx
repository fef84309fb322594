import { useT } from '../../lib/i18n'
import classes from './Live.module.css'

/** Who is speaking right now. It changes with every breath: a screen reader reads the words instead. */
export function SpeakingNow({ role, who, assistant }: {
  role: 'user' | 'assistant' | undefined
  who: string
  assistant: string
}) {
  const t = useT()
  if (!role) return null
  return (
    <span className={classes.speaking} data-role={role} data-speaking={role}>
      <i aria-hidden />
      {t('calls.live.speaking', { who: role === 'user' ? who : assistant })}
    </span>
  )
}
