import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Link, Navigate, useLocation, useSearch } from '@tanstack/react-router'
import { FlaskConical, Info } from 'lucide-react'
import { Suspense, lazy, useDeferredValue, useState } from 'react'
import { field } from '../../components/Field'
import { ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { deskQuery } from '../../lib/desk'
import { useSubmit } from '../../lib/form'
import { useT, withWords } from '../../lib/i18n'
import { parting } from '../../lib/parting'
import { pb } from '../../lib/pb'
import type { Me } from '../../lib/session'
import { useArrive } from './arrive'
import { GuestPage } from './GuestPage'
import { onward } from './next'
import { waitingOf, type Waiting } from './waiting'

const SecondStep = lazy(async () => ({
  default: (await withWords('people', () => import('./SecondStep'))()).SecondStep,
}))
const OtherWays = lazy(async () => ({ default: (await withWords('people', () => import('./OtherWays'))()).OtherWays }))

export function LoginPage() {
  const t = useT()
  const { next: page } = useSearch({ from: '/login' })
  const next = onward(page, useLocation({ select: ({ hash }) => hash }))
  const arrive = useArrive()
  const [waiting, setWaiting] = useState<Waiting>()
  const [why] = useState(parting)
  const drawn = useDeferredValue(true, false)
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
  const { submit, failure, busy } = useSubmit(form, async ({ email, password }) => {
    try {
      return await pb.collection('users').authWithPassword<Me>(email.trim(), password)
    } catch (error) {
      const half = waitingOf(error)
      if (!half) throw error
      return half
    }
  }, (answer) => ('ticket' in answer ? setWaiting(answer) : void arrive(answer, next)))
  if (desk?.setup_needed) return <Navigate to="/setup" replace />
  if (waiting) {
    return (
      <Suspense fallback={<GuestPage title={t('auth.signIn')}><SkeletonAfter200ms /></GuestPage>}>
        <SecondStep waiting={waiting} next={next} onBack={() => setWaiting(undefined)} />
      </Suspense>
    )
  }
  // One message for an unknown address and a wrong password: which of the two it was is nobody's business.
  const shown =
    failure?.status === 400 ? { ...failure, title: t('auth.wrong.title'), cause: t('auth.wrong.cause') } : failure
  const footer = (
    <Stack gap="xs" align="center">
      {desk?.sign_up === 'open' && (
        <Anchor component={Link} to="/register" search={(page ? { next: page } : {}) as never} hash size="sm">
          {t('auth.register')}
        </Anchor>
      )}
      {desk?.sandbox && !desk.demo && (
        <Text span size="sm" c="dimmed">
          {t('auth.demoHint')}
        </Text>
      )}
    </Stack>
  )
  return (
    <GuestPage title={t('auth.signIn')} footer={footer}>
      <Stack gap="md">
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            {why && !shown && (
              <Alert color="blue" variant="light" role="status" icon={<Info size={18} aria-hidden />}>
                {t(`auth.parted.${why}`)}
              </Alert>
            )}
            <ProblemAlert problem={shown} />
            <TextInput
              label={t('auth.email')}
              type="email"
              autoComplete="username"
              inputMode="email"
              autoFocus
              {...field(form, 'email', { required: true })}
            />
            <Stack gap={6}>
              <PasswordInput
                label={t('auth.password')}
                autoComplete="current-password"
                visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
                {...field(form, 'password', { required: true })}
              />
              <Anchor component={Link} to="/forgot-password" size="sm" ta="end">
                {t('auth.forgot')}
              </Anchor>
            </Stack>
            <Button type="submit" loading={busy} fullWidth size="md">{t('auth.signIn')}</Button>
            {desk?.demo && (
              <Stack gap={4}>
                <Button
                  type="submit"
                  variant="light"
                  fullWidth
                  size="md"
                  leftSection={<FlaskConical size={16} aria-hidden />}
                  disabled={busy}
                  onClick={() => form.setValues(desk.demo!)}
                >
                  {t('auth.demo')}
                </Button>
                <Text size="xs" c="dimmed" ta="center">{t('auth.demoText')}</Text>
              </Stack>
            )}
          </Stack>
        </form>
        {/* The form comes first; its code alone keeps a slow phone busy. */}
        {drawn && (
          <Suspense>
            <OtherWays next={next} typed={() => form.getValues().email} onWaiting={setWaiting} />
          </Suspense>
        )}
      </Stack>
    </GuestPage>
  )
}
