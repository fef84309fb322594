import { Alert, Anchor, Button, PasswordInput, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import { useState } from 'react'
import { field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { PASSWORD } from '../limits'
import { GuestPage } from './GuestPage'
import { useLinkToken } from './token'

export function ResetPage() {
  const token = useLinkToken()
  return <Reset key={token} token={token} />
}

function Reset({ token }: { token: string }) {
  const t = useT()
  const [done, setDone] = useState(false)
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { password: '' },
    validate: { password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })) },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ password }) => pb.collection('users').confirmPasswordReset(token, password, password),
    () => setDone(true),
  )
  const expired = failure?.fields.token !== undefined
  const back = <Anchor component={Link} to="/login">{t('auth.backToSignIn')}</Anchor>
  if (done) {
    return (
      <GuestPage title={t('auth.changed.title')} footer={back}>
        <Alert color="teal" icon={<CircleCheck size={18} aria-hidden />} role="status">{t('auth.changed.text')}</Alert>
      </GuestPage>
    )
  }
  if (expired) {
    return (
      <GuestPage title={t('auth.newPassword')} footer={back}>
        <ProblemAlert problem={{ ...failure, title: t('auth.expired.title'), cause: t('auth.expired.text') }} />
        <Button component={Link} to="/forgot-password" fullWidth size="md">{t('auth.newLink')}</Button>
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('auth.newPassword')} footer={back}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <PasswordInput label={t('auth.newPassword')} description={t('auth.passwordRule', { count: PASSWORD.min })} autoComplete="new-password" autoFocus
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }} {...field(form, 'password', { required: true, max: PASSWORD.max })} />
          <Button type="submit" loading={busy} fullWidth size="md">{t('auth.savePassword')}</Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
