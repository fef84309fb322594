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
import { DeadLink } from './DeadLink'
import { GuestPage } from './GuestPage'
import { mailOf, mayWork, useLinkToken } from './token'

/** Makes a new address count; the password proves that the person asked for it. */
export function ConfirmEmailPage() {
  const token = useLinkToken()
  return <ConfirmEmail key={token} token={token} />
}

function ConfirmEmail({ token }: { token: string }) {
  const t = useT()
  const [done, setDone] = useState(false)
  const form = useForm({ mode: 'uncontrolled', initialValues: { password: '' }, validate: { password: (value) => (value ? null : t('errors.field.required')) } })
  const { submit, failure, busy } = useSubmit(form, ({ password }) => pb.collection('users').confirmEmailChange(token, password), () => {
    pb.authStore.clear() // every session of the account ended with the change
    setDone(true)
  })
  const back = <Anchor component={Link} to="/login">{t('auth.backToSignIn')}</Anchor>
  if (done) {
    return <GuestPage title={t('auth.addressChanged')} footer={back}><Alert color="teal" variant="light" icon={<CircleCheck size={18} aria-hidden />} role="status">{t('auth.addressChangedText', { email: mailOf(token, 'newEmail') })}</Alert></GuestPage>
  }
  const email = mailOf(token, 'newEmail')
  // The change is asked for where the account is: whoever is signed out comes there by signing in.
  if (!email || !mayWork(token) || failure?.fields.token !== undefined) {
    return (
      <GuestPage title={t('auth.confirmAddress')} footer={back}>
        <DeadLink text={t('auth.addressGone')} />
        <Button component={Link} to="/me/security" fullWidth size="md">{t('auth.changeAgain')}</Button>
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('auth.confirmAddress')} text={t('auth.confirmAddressText', { email })} footer={back}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <PasswordInput label={t('auth.password')} autoComplete="current-password" autoFocus visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }} {...field(form, 'password', { required: true })} />
          <Button type="submit" loading={busy} fullWidth size="md">{t('auth.verify')}</Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
