import { Button, Group, Textarea } from '@mantine/core'
import { Check, Copy } from 'lucide-react'
import { useT } from '../lib/i18n'
import { CopyButton } from './CopyButton'
import classes from './CopyLine.module.css'

/**
 * A line to hand over (a link, a key): readable as a whole on the narrowest screen, selectable, one click to copy. `grouped` shows
 * it in fours for whoever types it; copied it has no spaces.
 */
export function CopyLine({
  label,
  value,
  hidden,
  grouped,
}: {
  label: string
  value: string
  hidden?: boolean
  grouped?: boolean
}) {
  const t = useT()
  return (
    <Group gap="xs" align="flex-end">
      <Textarea
        label={hidden ? undefined : label}
        aria-label={hidden ? label : undefined}
        value={grouped ? inFours(value) : value}
        readOnly
        autosize
        spellCheck={false}
        className={classes.line}
        classNames={{ input: classes.text }}
        onFocus={(event) => event.currentTarget.select()}
      />
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            variant={copied ? 'light' : 'default'}
            onClick={copy}
            leftSection={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
            aria-live="polite"
          >
            {t(copied ? 'share.copied' : 'share.copy')}
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}

/** "ABCD EFGH IJ". */
export const inFours = (text: string): string => text.replaceAll(/.{4}(?=.)/g, '$& ')
