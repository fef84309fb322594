import { Avatar, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { Check, ChevronsUpDown, LayoutList, Lock, Plus } from 'lucide-react'
import type { ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { useHere, type Membership } from '../lib/session'
import classes from './Shell.module.css'

/** The choice between organizations, behind the name of the one on screen. */
export function OrgMenu({ face }: { face: ReactNode }) {
  const t = useT()
  const navigate = useNavigate()
  const { places, closed, organization, closedHere } = useHere()
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
          <Menu.Item
            key={p.id}
            leftSection={<Avatar size={22} radius="sm" color="teal" name={p.expand.organization.name} aria-hidden />}
            rightSection={
              p.organization === organization?.id ? <Check size={15} aria-label={t('shell.current')} /> : undefined
            }
            onClick={() => void navigate({ to: '/o/$org', params: { org: p.organization } })}
          >
            <bdi>{p.expand.organization.name}</bdi>
          </Menu.Item>
        ))}
        {closed.map((m) => <ClosedPlace key={m.id} membership={m} current={m.id === closedHere?.id} />)}
        <Menu.Divider />
        <Menu.Item component={Link} to="/agency" leftSection={<LayoutList size={16} aria-hidden />}>
          {t('shell.all')}
        </Menu.Item>
        <Menu.Item component={Link} to="/new" leftSection={<Plus size={16} aria-hidden />}>
          {t('shell.new')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** An organization that keeps the person out, and why. Its page says what to do. */
function ClosedPlace({
  membership: { organization, role, closed: why },
  current,
}: {
  membership: Membership
  current: boolean
}) {
  const t = useT()
  const navigate = useNavigate()
  return (
    <Menu.Item
      leftSection={<Lock size={16} aria-hidden style={{ margin: 3 }} />}
      rightSection={current ? <Check size={15} aria-label={t('shell.current')} /> : undefined}
      onClick={() => void navigate({ to: '/o/$org', params: { org: organization } })}
    >
      <Text span size="sm" display="block">
        {t('shell.closed')} · {t(`roles.${role}`)}
      </Text>
      {why && (
        <Text span size="xs" c="dimmed" display="block">
          {t(`shell.why.${why}`)}
        </Text>
      )}
    </Menu.Item>
  )
}
