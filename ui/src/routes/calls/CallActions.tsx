import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Check, Ellipsis, PhoneOutgoing, SquareArrowOutUpRight, Undo2, type LucideIcon } from 'lucide-react'
import { useT } from '../../lib/i18n'
import { areaPath, useOrg } from '../../lib/session'
import { canBeCalled, isLive, type CallItem } from './data'
import { useDone } from './done'
import { whoOf } from './words'

/** What can be done with a call of the list, in its row; `folded`: behind one button, where there is no room for two. */
export function CallActions({ call, onCallBack, folded = false }: {
  call: CallItem
  onCallBack: (call: CallItem) => void
  folded?: boolean
}) {
  const t = useT()
  const org = useOrg()
  const { done, reopen, busy } = useDone()
  if (isLive(call) || call.status === 'scheduled') return null
  const name = whoOf(call, t)
  const actions: { label: string; of: string; icon: LucideIcon; run: () => void }[] = [
    ...(canBeCalled(call)
      ? [{ label: t('calls.callBack'), of: t('calls.callBackOf', { name }), icon: PhoneOutgoing, run: () => onCallBack(call) }] : []),
    call.resolution_status === 'resolved'
      ? { label: t('calls.reopen'), of: t('calls.reopenOf', { name }), icon: Undo2, run: () => reopen(call) }
      : { label: t('calls.done'), of: t('calls.doneOf', { name }), icon: Check, run: () => done(call) },
  ]
  if (!folded)
    return (
      <Group gap={4} justify="flex-end" wrap="nowrap">
        {actions.map(({ label, of, icon: Icon, run }) => (
          <Tooltip key={label} label={label}>
            <ActionIcon variant="subtle" color="gray" size={32} aria-label={of} loading={busy} onClick={run}>
              <Icon size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        ))}
      </Group>
    )
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={24} aria-label={t('calls.actionsOf', { name })} loading={busy}>
          <Ellipsis size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map(({ label, icon: Icon, run }) => (
          <Menu.Item key={label} leftSection={<Icon size={16} aria-hidden />} onClick={run}>{label}</Menu.Item>
        ))}
        <Menu.Item
          component={Link}
          to={areaPath(org, `calls/${call.id}`)}
          leftSection={<SquareArrowOutUpRight size={16} aria-hidden />}
        >
          {t('calls.open')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
