import { Stack } from '@mantine/core'
import { ChevronRight } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import classes from './Advanced.module.css'

/** What most people never need, folded away. It opens when something in it is `wrong`, so that the message is seen. */
export function Advanced({ wrong = false, children }: { wrong?: boolean; children: ReactNode }) {
  const t = useT()
  const [opened, setOpened] = useState(false)
  return (
    <details
      className={classes.fold}
      open={opened || wrong}
      onToggle={(event) => setOpened(event.currentTarget.open)}
    >
      <summary className={classes.head}><ChevronRight size={16} aria-hidden />{t('actions.advanced')}</summary>
      <Stack gap="md" pt="sm">{children}</Stack>
    </details>
  )
}
