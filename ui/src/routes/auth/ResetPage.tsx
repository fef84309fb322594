import { Alert, Anchor, Button, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import { useState } from 'react'
import { NewPassword } from '../../components/NewPassword'
import { field } from '../../components/Field'
import { ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { PASSWORD } from '../limits'
import { DeadLink } from './DeadLink'
import { GuestPage } from './GuestPage'
import { mayWork, useLinkToken } from './token'

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
    validate: {
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ password }) => pb.collection('users').confirmPasswordReset(token, password, password),
    () => setDone(true),
  )
  // Nobody shall choose a password in vain. When the server cannot say, saving will.
  const possible = mayWork(token)
  const link = useQuery({
    queryKey: ['reset', token],
    enabled: possible,
    retry: false,
    staleTime: Infinity,
    queryFn: ({ signal }) => api.post<{ valid: boolean }>('/api/auth/check-reset', { token }, { signal }),
  })
  const expired = !possible || link.data?.valid === false || failure?.fields.token !== undefined
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
        <DeadLink text={t('auth.expired.text')} />
        <Button component={Link} to="/forgot-password" fullWidth size="md">{t('auth.newLink')}</Button>
      </GuestPage>
    )
  }
  if (link.isLoading)
    return (
      <GuestPage title={t('auth.newPassword')} footer={back}>
        <SkeletonAfter200ms lines={4} />
      </GuestPage>
    )
  return (
    <GuestPage title={t('auth.newPassword')} footer={back}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <NewPassword
            label={t('auth.newPassword')}
            autoFocus
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
            {...field(form, 'password', { required: true, max: PASSWORD.max })}
          />
          <Button type="submit" loading={busy} fullWidth size="md">
            {t('auth.savePassword')}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
