import { Alert, Anchor, Button, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { MailCheck, MailX } from 'lucide-react'
import { useState } from 'react'
import { field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { deskQuery } from '../../lib/desk'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { GuestPage } from './GuestPage'

export function ForgotPage() {
  const t = useT()
  const { data: desk } = useQuery(deskQuery)
  const [sentTo, setSentTo] = useState('')
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { email: '' },
    validate: { email: (value) => (value.includes('@') ? null : t('errors.field.email')) },
  })
  const { submit, failure, busy } = useSubmit(form, async ({ email }) => {
    await pb.collection('users').requestPasswordReset(email.trim())
    return email.trim()
  }, setSentTo)
  const back = <Anchor component={Link} to="/login">{t('auth.backToSignIn')}</Anchor>
  if (sentTo) {
    return (
      <GuestPage title={t('auth.sent.title')} footer={back}>
        <Alert color="teal" icon={<MailCheck size={18} aria-hidden />} role="status">
          {t('auth.sent.text', { email: sentTo })}
        </Alert>
      </GuestPage>
    )
  }
  // A form would promise a mail that nobody sends.
  if (desk && !desk.mail) {
    return (
      <GuestPage title={t('auth.forgotTitle')} footer={back}>
        <Alert color="yellow" variant="light" icon={<MailX size={18} aria-hidden />}>
          {t('auth.noMail')}
        </Alert>
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('auth.forgotTitle')} text={t('auth.forgotText')} footer={back}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <TextInput
            label={t('auth.email')}
            type="email"
            autoComplete="username"
            autoFocus
            {...field(form, 'email', { required: true })}
          />
          <Button type="submit" loading={busy} fullWidth size="md">
            {t('auth.sendLink')}
          </Button>
        </Stack>
      </form>
    </GuestPage>
  )
}
