import { Alert, Button, Group, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { capabilities, type Capability } from '../../lib/permissions'
import { changed } from '../../lib/rebase'
import { useMe, useOrg } from '../../lib/session'
import { usualFlags, type Member, type TeamRole } from './data'
import { Rights, useGranting } from './Rights'

/** Changes what a member is and may do. Nobody changes their own role. */
export function EditDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const me = useMe()
  const { holds } = useGranting()
  const self = member.user_id === me?.id
  const held = Object.fromEntries(capabilities.map((c) => [c, member[c] === true])) as Record<Capability, boolean>
  const base = { department: member.department ?? '', role: member.role, ...held }
  const [role, setRole] = useState<TeamRole>(member.role)
  const [flags, setFlags] = useState(held)
  const [department, setDepartment] = useState(member.department ?? '')
  const mine = { department, role, ...flags }
  const save = useMutation({
    mutationFn: () => api.put(`/api/team-members/${member.id}`, changed(base, mine), { query: { organization: org } }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [org, 'memberships'] })
      void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
      saved(t('team.saved', { name: member.full_name || member.email }))
      onClose()
    },
  })
  return (
    <Dialog onClose={onClose} title={t('team.editOne', { name: member.full_name || member.email })} size="lg">
      <form onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}>
        <Stack gap="md">
          <ProblemAlert problem={save.error ? problem(save.error, t) : undefined} />
          {self ? (
            <Alert color="blue" variant="light" icon={<KeyRound size={18} aria-hidden />}>
              {t('team.ownRights')}
            </Alert>
          ) : (
            <Rights
              role={role}
              flags={flags}
              onFlags={setFlags}
              onRole={(next) => {
                setRole(next)
                setFlags(usualFlags(next, holds))
              }}
            />
          )}
          <TextInput
            label={t('team.department')}
            description={t('team.departmentHint')}
            value={department}
            maxLength={limits.memberships.department.max}
            onChange={(event) => setDepartment(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={save.isPending}>{t('actions.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
