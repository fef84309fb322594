import { Group, Text } from '@mantine/core'
import { useT } from '../lib/i18n'

export function Logo({ size = 26 }: { size?: number }) {
  const t = useT()
  return (
    <Group gap={10} wrap="nowrap">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
        <rect width="32" height="32" rx="9" fill="var(--mantine-color-teal-filled)" />
        <path
          d="M8 14v4M12 10.5v11M16 7.5v17M20 10.500v11M24 14v4"
          stroke="#fff"
          strokeWidth="2.6"
          strokeLinecap="round"
        />
      </svg>
      <Text fw={680} fz={size * 0.66} lh={1} style={{ letterSpacing: '-0.02em' }}>{t('app.name')}</Text>
    </Group>
  )
}
