import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Dialog } from '../../components/Dialog'
import { field } from '../../components/Field'
import { useT } from '../../lib/i18n'
import { nameFrom, teamRoles, usualFlags, type TeamRole } from '../team/data'
import type { Bulk } from './data'

interface Props {
  busy: boolean
  onSend: (bulk: Bulk) => void
  onClose: () => void
}

/** One limit of minutes a month for every chosen client; 0 takes it away. */
export function BulkLimit({ busy, onSend, onClose }: Props) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { minutes: '500' },
    validate: { minutes: (value) => (/^\d{1,7}$/.test(value) ? null : t('agency.limitWrong')) },
  })
  return (
    <Dialog onClose={onClose} title={t('agency.limit')}>
      <form noValidate onSubmit={form.onSubmit(({ minutes }) => onSend({ action: 'limit', minutes: Number(minutes) }))}>
        <Stack gap="md">
          <TextInput
            type="number"
            min={0}
            label={t('agency.limitMinutes')}
            description={t('agency.limitHint')}
            data-autofocus
            {...field(form, 'minutes', { required: true })}
          />
          <Buttons busy={busy} onClose={onClose} label={t('agency.limitSet')} />
        </Stack>
      </form>
    </Dialog>
  )
}

/** One person, invited to every chosen client. */
export function BulkInvite({ busy, onSend, onClose }: Props) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { email: '', role: 'manager' },
    validate: { email: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : t('errors.field.email')) },
  })
  return (
    <Dialog onClose={onClose} title={t('agency.invite')}>
      <form
        noValidate
        onSubmit={form.onSubmit(({ email, role }) =>
          onSend({
            action: 'invite',
            email: email.trim(),
            full_name: nameFrom(email.trim()),
            role,
            ...usualFlags(role as TeamRole, () => true),
          }),
        )}
      >
        <Stack gap="md">
          <TextInput
            type="email"
            label={t('auth.email')}
            description={t('agency.inviteHint')}
            data-autofocus
            {...field(form, 'email', { required: true })}
          />
          <Select
            label={t('team.role')}
            allowDeselect={false}
            data={teamRoles.map((value) => ({ value, label: t(`roles.${value}`) }))}
            {...field(form, 'role')}
          />
          <Buttons busy={busy} onClose={onClose} label={t('team.invite.send')} />
        </Stack>
      </form>
    </Dialog>
  )
}

function Buttons({ busy, onClose, label }: { busy: boolean; onClose: () => void; label: string }) {
  const t = useT()
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
      <Button type="submit" loading={busy}>{label}</Button>
    </Group>
  )
}
