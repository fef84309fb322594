import { Checkbox, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { Field } from '../../components/Field'
import { useT } from '../../lib/i18n'
import { capabilities, type Capability } from '../../lib/permissions'
import { useHere } from '../../lib/session'
import { teamRoles, type TeamRole } from './data'

const ranks = { owner: 5, admin: 4, manager: 3, agent: 2, viewer: 1, developer: 1 } as const

/** What the signed-in person may pass on: nobody grants what they do not hold. */
export function useGranting() {
  const { place } = useHere()
  const all = place?.role === 'owner' || place?.role === 'admin'
  const holds = (capability: Capability) => all || place?.[capability] === true
  const rank = place ? ranks[place.role] : 0
  return {
    roles: teamRoles.filter(
      (role) => ranks[role] <= rank && (role !== 'developer' || holds('can_manage_integrations')),
    ),
    holds,
  }
}

/** A role and the rights beside it, each as a sentence. */
export function Rights({ role, flags, onRole, onFlags, disabled }: {
  role: TeamRole
  flags: Record<Capability, boolean>
  onRole: (role: TeamRole) => void
  onFlags: (flags: Record<Capability, boolean>) => void
  disabled?: boolean
}) {
  const t = useT()
  const { roles, holds } = useGranting()
  const everything = role === 'admin' || role === 'owner'
  return (
    <Stack gap="md">
      <Select
        label={t('team.role')}
        description={t(`team.roleTexts.${role}`)}
        value={role}
        allowDeselect={false}
        disabled={disabled}
        data={[...new Set([...roles, role])].map((value) => ({ value, label: t(`roles.${value}`) }))}
        onChange={(value) => value && onRole(value)}
      />
      <Field label={t('team.rights')} hint={everything ? t('team.adminRights') : t('team.rightsHint')}>
        {(ids) => (
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing="xs" mt={6} role="group" {...ids}>
            {capabilities.map((capability) => (
              <Checkbox
                key={capability}
                label={t(`team.flags.${capability}`)}
                checked={everything || flags[capability]}
                disabled={disabled || everything || (!holds(capability) && !flags[capability])}
                onChange={(event) => onFlags({ ...flags, [capability]: event.currentTarget.checked })}
              />
            ))}
          </SimpleGrid>
        )}
      </Field>
      {!everything && roles.length < teamRoles.length && <Text size="xs" c="dimmed">{t('team.onlyYours')}</Text>}
    </Stack>
  )
}
