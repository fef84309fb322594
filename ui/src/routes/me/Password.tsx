import { Button, PasswordInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { NewPassword } from '../../components/NewPassword'
import { field } from '../../components/Field'
import { Section } from '../../components/Section'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb, withNewSession } from '../../lib/pb'
import { saveMe } from '../../lib/profile'
import type { Me } from '../../lib/session'
import { PASSWORD } from '../limits'

export function Password({ me }: { me: Me }) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { oldPassword: '', password: '' },
    validate: {
      oldPassword: (value) => (value ? null : t('errors.field.required')),
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
    },
  })
  const { submit, failure, busy } = useSubmit(form, ({ oldPassword, password }) => withNewSession(async () => {
    await saveMe(me, { oldPassword, password, passwordConfirm: password })
    // A new password ends every session, this one too: sign in again with it before anything else is asked.
    await pb.collection('users').authWithPassword(me.email, password)
  }), () => {
    form.reset()
    saved(t('profile.passwordSaved'))
  })
  const toggle = { visibilityToggleButtonProps: { 'aria-label': t('auth.showPassword') } }
  return (
    <form onSubmit={submit} noValidate>
      <Section title={t('auth.password')} text={t('profile.passwordText')}>
        <ProblemAlert problem={failure} />
        <input type="hidden" name="username" autoComplete="username" value={me.email} readOnly />
        <PasswordInput
          label={t('profile.oldPassword')}
          autoComplete="current-password"
          {...toggle}
          {...field(form, 'oldPassword', { required: true })}
        />
        <NewPassword
          label={t('auth.newPassword')}
          {...toggle}
          {...field(form, 'password', { required: true, max: PASSWORD.max })}
        />
        <div>
          <Button type="submit" variant="default" loading={busy}>
            {t('profile.changePassword')}
          </Button>
        </div>
      </Section>
    </form>
  )
}
