import { Avatar, Box, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { Check, ChevronsUpDown } from 'lucide-react'
import { useT } from '../lib/i18n'
import { useHere } from '../lib/session'
import classes from './Shell.module.css'

/** Which organization is on screen. With one there is nothing to switch, so it is only a name. */
export function OrgSwitcher() {
  const t = useT()
  const navigate = useNavigate()
  const { places, place, organization } = useHere()
  if (!organization || !place) return <Text size="sm" c="dimmed" px={10}>{t('shell.noOrganization')}</Text>
  const face = (
    <>
      <Avatar size={30} radius="sm" color="teal" name={organization.name} aria-hidden />
      <Box miw={0} flex={1}>
        <Text size="sm" fw={600} truncate>{organization.name}</Text>
        <Text size="xs" c="dimmed" truncate>{t(`roles.${place.role}`)}</Text>
      </Box>
    </>
  )
  if (places.length < 2) return <div className={classes.org}>{face}</div>
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className={classes.org} data-button>
          {face}
          <VisuallyHidden>{t('shell.switch')}</VisuallyHidden>
          <ChevronsUpDown size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
        {places.map((p) => (
          <Menu.Item key={p.id} leftSection={<Avatar size={22} radius="sm" color="teal" name={p.expand.organization.name} aria-hidden />}
            rightSection={p.organization === organization.id ? <Check size={15} aria-label={t('shell.current')} /> : undefined}
            onClick={() => void navigate({ to: '/o/$org', params: { org: p.organization } })}>
            {p.expand.organization.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
