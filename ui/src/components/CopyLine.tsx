import { Button, CopyButton, Group, TextInput } from '@mantine/core'
import { Check, Copy } from 'lucide-react'
import { useT } from '../lib/i18n'

/** A line to hand over (a link, a key): readable, selectable, one click to copy. */
export function CopyLine({ label, value, hidden }: { label: string; value: string; hidden?: boolean }) {
  const t = useT()
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <TextInput label={hidden ? undefined : label} aria-label={hidden ? label : undefined} value={value} readOnly spellCheck={false} style={{ flex: 1 }} onFocus={(event) => event.currentTarget.select()} styles={{ input: { fontFamily: 'monospace' } }} />
      <CopyButton value={value} timeout={2000}>
        {({ copied, copy }) => (
          <Button variant={copied ? 'light' : 'default'} onClick={copy} leftSection={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />} aria-live="polite">
            {t(copied ? 'share.copied' : 'share.copy')}
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}
