import { ActionIcon, Avatar, Menu, Text, VisuallyHidden } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleHelp, Keyboard, LogOut, UserRound } from 'lucide-react'
import { usePicture } from '../components/picture'
import { useT } from '../lib/i18n'
import { signOut } from '../lib/pb'
import { useMe } from '../lib/session'

export function ProfileMenu({ onHelp }: { onHelp: () => void }) {
  const t = useT()
  const me = useMe()
  const picture = usePicture('users', me?.id ?? '', me?.avatar ?? '')
  if (!me) return null
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={38} radius="xl">
          <Avatar size={32} color="teal" aria-hidden name={me.name || me.email} src={picture} alt="" />
          <VisuallyHidden>{t('shell.profileOf', { name: me.name || me.email })}</VisuallyHidden>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate><bdi>{me.name}</bdi></Text>
          <Text size="xs" c="dimmed" truncate>{me.email}</Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} to="/me" leftSection={<UserRound size={16} aria-hidden />}>
          {t('profile.title')}
        </Menu.Item>
        <Menu.Item component={Link} to="/help" leftSection={<CircleHelp size={16} aria-hidden />}>
          {t('help.page')}
        </Menu.Item>
        <Menu.Item leftSection={<Keyboard size={16} aria-hidden />} onClick={onHelp}>
          {t('help.title')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={signOut}>{t('auth.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
