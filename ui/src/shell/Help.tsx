import { Anchor, Group, Kbd, Modal, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useFocusBack } from '../lib/focus'
import { useT } from '../lib/i18n'
import type { Area } from './areas'

/** Every key there is. */
export function Keys({ areas }: { areas: Area[] }) {
  const t = useT()
  const rows: [string[], string][] = [
    [['⌘/Ctrl', 'K'], t('help.palette')],
    [['?'], t('help.title')],
    [['j'], t('help.down')],
    [['k'], t('help.up')],
    [[t('help.enter')], t('help.open')],
    [['/'], t('help.search')],
    [['n'], t('help.new')],
    [['e'], t('help.done')],
    [[t('help.space')], t('help.pause')],
    [['←', '→'], t('help.seek')],
    [['[', ']'], t('help.speed')],
    ...areas
      .filter((area) => area.key)
      .map((area): [string[], string] => [['g', area.key!], t('help.go', { area: t(area.label) })]),
  ]
  return (
    <Stack gap="sm">
      {rows.map(([combination, label]) => (
        <Group key={label} justify="space-between" wrap="nowrap">
          <Text size="sm">{label}</Text>
          <Group gap={4} wrap="nowrap">{combination.map((key) => <Kbd key={key}>{key}</Kbd>)}</Group>
        </Group>
      ))}
      <Text size="xs" c="dimmed">{t('help.off')}</Text>
    </Stack>
  )
}

/** The keys, over whatever page is open; the page of help says more. */
export function Help({ opened, onClose, areas }: { opened: boolean; onClose: () => void; areas: Area[] }) {
  const t = useT()
  useFocusBack(opened)
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('help.title')}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <Stack gap="sm">
        <Keys areas={areas} />
        <Anchor component={Link} to="/help" size="sm" onClick={onClose}>{t('help.page')}</Anchor>
      </Stack>
    </Modal>
  )
}
