import { Box, CloseButton, Group, NavLink, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useT, type Key } from '../lib/i18n'
import { areaPath, useHere } from '../lib/session'
import type { Area } from './areas'
import { Logo } from './Logo'
import { OrgSwitcher } from './OrgSwitcher'
import classes from './Shell.module.css'

const groups: { id: Area['group']; label?: Key }[] = [
  { id: undefined },
  { id: 'build', label: 'nav.groups.build' },
  { id: 'connect', label: 'nav.groups.connect' },
  { id: 'account', label: 'nav.groups.account' },
]

/** The left bar; the same in the drawer of narrow screens. */
export function SideBar({ areas, onClose }: { areas: Area[]; onClose?: () => void }) {
  const t = useT()
  const { organization } = useHere()
  return (
    <Stack component="nav" aria-label={t('shell.menu')} gap="md" h="100%" p="sm" className={classes.bar}>
      <Group justify="space-between" px={6} pt={6} wrap="nowrap">
        <Logo />
        {onClose && <CloseButton aria-label={t('actions.close')} onClick={onClose} />}
      </Group>
      <OrgSwitcher />
      <Box flex={1} mx={-4} style={{ overflowY: 'auto' }}>
          {organization && groups.map(({ id, label }) => {
            const shown = areas.filter((area) => area.group === id)
            if (shown.length === 0) return null
            return (
              <Box key={id ?? 'main'} px={4} pb="sm">
                {label && <Text size="xs" fw={600} c="dimmed" px={10} py={6} component="h2">{t(label)}</Text>}
                {shown.map((area) => (
                  <NavLink
                    key={area.id}
                    component={Link}
                    to={areaPath(organization.id, area.path)}
                    label={t(area.label)}
                    className={classes.nav}
                    leftSection={<area.icon size={18} strokeWidth={1.9} aria-hidden />}
                    onClick={onClose}
                  />
                ))}
              </Box>
            )
          })}
      </Box>
    </Stack>
  )
}
