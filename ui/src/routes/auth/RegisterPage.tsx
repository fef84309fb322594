import { Alert, Anchor, Button, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { MailCheck, UserRoundPlus } from 'lucide-react'
import { useState } from 'react'
import { NewPassword } from '../../components/NewPassword'
import { field } from '../../components/Field'
import { ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { NAME, PASSWORD } from '../limits'
import { GuestPage } from './GuestPage'

/** A new account, where this installation lets strangers in. */
export function RegisterPage() {
  const t = useT()
  const { next } = useSearch({ from: '/register' })
  const { data: desk } = useQuery(deskQuery)
  const [made, setMade] = useState<{ email: string; mailed: boolean }>()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { fullName: '', email: '', password: '' },
    validate: {
      fullName: (value) => (value.trim() ? null : t('errors.field.required')),
      email: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : t('errors.field.email')),
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    async ({ fullName, email, password }) => {
      const answer = await api.post<{ email_sent: boolean }>('/api/auth/signup', {
        fullName: fullName.trim(),
        email: email.trim(),
        password,
      })
      return { email: email.trim(), mailed: answer.email_sent }
    },
    setMade,
  )
  const back = (
    <Anchor component={Link} to="/login" search={(next ? { next } : {}) as never} hash>
      {t('auth.backToSignIn')}
    </Anchor>
  )
  if (!desk)
    return (
      <GuestPage title={t('auth.register')} footer={back}>
        <SkeletonAfter200ms lines={6} />
      </GuestPage>
    )
  if (desk.sign_up !== 'open') {
    return (
      <GuestPage title={t('auth.register')} footer={back}>
        <Alert color="blue" variant="light" icon={<UserRoundPlus size={18} aria-hidden />}>
          {t('auth.inviteOnly')}
        </Alert>
      </GuestPage>
    )
  }
  if (made) {
    return (
      <GuestPage title={t('auth.made')} footer={back}>
        <Alert color="teal" variant="light" icon={<MailCheck size={18} aria-hidden />} role="status">
          {t(made.mailed ? 'auth.madeMail' : 'auth.madeNoMail', { email: made.email })}
        </Alert>
        <Button component={Link} to="/login" search={(next ? { next } : {}) as never} hash fullWidth size="md">
          {t('auth.signIn')}
        </Button>
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('auth.register')} footer={back}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <TextInput
            label={t('profile.name')}
            autoComplete="name"
            autoFocus
            {...field(form, 'fullName', { required: true, ...NAME })}
          />
          <TextInput
            label={t('auth.email')}
            type="email"
            autoComplete="username"
            inputMode="email"
            {...field(form, 'email', { required: true })}
          />
          <NewPassword
            label={t('auth.password')}
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
            {...field(form, 'password', { required: true, max: PASSWORD.max })}
          />
          <Button type="submit" loading={busy} fullWidth size="md">
            {t('auth.create')}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
