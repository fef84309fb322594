import { Anchor, Button, PasswordInput, Stack, Text, TextInput, useMantineColorScheme } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Link, Navigate, useNavigate, useSearch } from '@tanstack/react-router'
import { field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { deskQuery } from '../../lib/desk'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { applyProfile } from '../../lib/profile'
import { queries } from '../../lib/queries'
import type { Me } from '../../lib/session'
import { GuestPage } from './GuestPage'

export function LoginPage() {
  const t = useT()
  const navigate = useNavigate()
  const { next } = useSearch({ from: '/login' })
  const { setColorScheme } = useMantineColorScheme()
  // The form does not wait for this answer: only a brand-new installation is sent on to its setup.
  const { data: desk } = useQuery(deskQuery)
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { email: '', password: '' },
    validate: {
      email: (value) => (value.trim() ? null : t('errors.field.required')),
      password: (value) => (value ? null : t('errors.field.required')),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ email, password }) => pb.collection('users').authWithPassword<Me>(email.trim(), password),
    ({ record }) => {
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'desk' })
      void applyProfile(record, setColorScheme).then(() => navigate({ href: next ?? '/', replace: true }))
    },
  )
  if (desk?.setup_needed) return <Navigate to="/setup" replace />
  // One message for an unknown address and a wrong password: which of the two it was is nobody's business.
  const shown = failure?.status === 400 ? { ...failure, title: t('auth.wrong.title'), cause: t('auth.wrong.cause') } : failure
  return (
    <GuestPage title={t('auth.signIn')} footer={desk?.sandbox ? <Text span size="sm" c="dimmed">{t('auth.demoHint')}</Text> : undefined}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={shown} />
          <TextInput label={t('auth.email')} type="email" autoComplete="username" inputMode="email" autoFocus {...field(form, 'email', { required: true })} />
          <Stack gap={6}>
            <PasswordInput label={t('auth.password')} autoComplete="current-password" visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }} {...field(form, 'password', { required: true })} />
            <Anchor component={Link} to="/forgot-password" size="sm" ta="end">{t('auth.forgot')}</Anchor>
          </Stack>
          <Button type="submit" loading={busy} fullWidth size="md">{t('auth.signIn')}</Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
