import { Avatar, Menu, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { Check, ChevronsUpDown, LayoutList, Lock, Plus } from 'lucide-react'
import { useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { useHere, type Membership } from '../lib/session'
import { holds, wordsOf } from '../lib/words'
import classes from './Shell.module.css'

// Fewer are found by eye.
const SEARCHED_ABOVE = 7

/** The choice between organizations, behind the name of the one on screen. */
export function OrgMenu({ face }: { face: ReactNode }) {
  const t = useT()
  const navigate = useNavigate()
  const { places, closed, organization, closedHere } = useHere()
  const [typed, setTyped] = useState('')
  const words = wordsOf(typed)
  const found = places.filter((p) => holds(words, [p.expand.organization.name]))
  const list = useRef<HTMLDivElement>(null)
  // Enter opens what the arrows stand on; before they were pressed, the first that was found.
  const openFirst = (event: KeyboardEvent) => {
    const menu = list.current?.closest('[role="menu"]')
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || words.length === 0 || found.length === 0) return
    if (menu?.querySelector('[data-menu-active]')) return
    event.preventDefault()
    list.current?.querySelector('button')?.click()
  }
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className={classes.org} data-button>
          {face}
          <VisuallyHidden>{t('shell.switch')}</VisuallyHidden>
          <ChevronsUpDown size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {places.length > SEARCHED_ABOVE && (
          <Menu.Search
            aria-label={t('shell.find')}
            placeholder={t('shell.find')}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={openFirst}
          />
        )}
        <div ref={list} className={classes.places}>
          {found.map((p) => (
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
          {words.length === 0 &&
            closed.map((m) => <ClosedPlace key={m.id} membership={m} current={m.id === closedHere?.id} />)}
          {words.length > 0 && found.length === 0 && (
            <Text size="sm" c="dimmed" p="xs" role="status">{t('palette.nothing')}</Text>
          )}
        </div>
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
