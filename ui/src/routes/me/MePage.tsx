import { Button, Paper, PasswordInput, SegmentedControl, Stack, Switch, Text, TextInput, Title, useMantineColorScheme } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMediaQuery } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { DirtyBar } from '../../components/DirtyBar'
import { Field, field } from '../../components/Field'
import { Page } from '../../components/Page'
import { ProblemAlert } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { setLanguage, useLanguage, useT, type Language } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { keys, remember, type Theme } from '../../lib/prefs'
import { saveMe } from '../../lib/profile'
import { useMe, type Me } from '../../lib/session'
import { shortcutsEnabled } from '../../lib/shortcuts'
import { NAME, PASSWORD } from '../limits'

export function MePage() {
  const t = useT()
  const me = useMe()
  if (!me) return null // the shell is on its way to sign-in
  return (
    <Page title={t('profile.title')} description={me.email} size="sm">
      <Profile key={me.id} me={me} />
      <Appearance me={me} />
      <Password me={me} />
    </Page>
  )
}

function Section({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="lg" component="section" bg="var(--pl-surface)">
      <Stack gap="md">
        <Stack gap={2}>
          <Title order={2} size="h3">{title}</Title>
          {text && <Text size="sm" c="dimmed">{text}</Text>}
        </Stack>
        {children}
      </Stack>
    </Paper>
  )
}

function Profile({ me }: { me: Me }) {
  const t = useT()
  const [dirty, setDirty] = useState(false)
  const form = useForm<{ name: string; phone: string }>({
    mode: 'uncontrolled',
    initialValues: { name: me.name, phone: me.phone },
    onValuesChange: () => setDirty(form.isDirty()),
    validate: { name: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const { submit, failure, busy, setFailure } = useSubmit(form, (values) => saveMe(me, values), (record) => {
    form.setValues({ name: record.name, phone: record.phone })
    form.resetDirty()
    setDirty(false)
    saved(t('profile.saved'))
  })
  return (
    <form onSubmit={submit} noValidate>
      <Section title={t('profile.you')}>
        <ProblemAlert problem={failure} />
        <TextInput label={t('profile.name')} autoComplete="name" {...field(form, 'name', { required: true, ...NAME })} />
        <TextInput label={t('profile.phone')} description={t('profile.phoneHint')} type="tel" autoComplete="tel" {...field(form, 'phone', { max: 32 })} />
      </Section>
      <DirtyBar dirty={dirty} saving={busy} onDiscard={() => {
        form.reset()
        setDirty(false)
        setFailure(undefined)
      }} />
    </form>
  )
}

/** Each choice acts at once and is kept in the profile, so that the next browser starts the same. */
function Appearance({ me }: { me: Me }) {
  const t = useT()
  const language = useLanguage()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const narrow = useMediaQuery('(max-width: 30em)', undefined, { getInitialValueInEffect: false })
  const orientation = narrow ? 'vertical' : 'horizontal'
  const [shortcuts, setShortcuts] = useState(shortcutsEnabled)
  const keep = useMutation({
    mutationFn: (change: Partial<Me>) => saveMe(me, change),
    onError: (error) => failed(problem(error, t)),
  })
  return (
    <Section title={t('profile.appearance')}>
      <Field label={t('profile.language')}>
        {(ids) => (
          <SegmentedControl {...ids} orientation={orientation} name="language" fullWidth value={language} data={[{ value: 'en', label: 'English' }, { value: 'fr', label: 'Français' }]}
            onChange={(value) => {
              void setLanguage(value as Language)
              keep.mutate({ language: value as Language })
            }} />
        )}
      </Field>
      <Field label={t('profile.theme')}>
        {(ids) => (
          <SegmentedControl {...ids} orientation={orientation} name="theme" fullWidth value={colorScheme}
            data={[{ value: 'auto', label: t('profile.themes.auto') }, { value: 'light', label: t('profile.themes.light') }, { value: 'dark', label: t('profile.themes.dark') }]}
            onChange={(value) => {
              setColorScheme(value as Theme)
              keep.mutate({ theme: value as Theme })
            }} />
        )}
      </Field>
      <Switch label={t('profile.shortcuts')} description={t('profile.shortcutsHint')} checked={shortcuts} onChange={(event) => {
        const on = event.currentTarget.checked
        setShortcuts(on)
        remember(keys.shortcuts, on ? 'on' : 'off')
        keep.mutate({ preferences: { ...me.preferences, shortcuts: on } })
      }} />
    </Section>
  )
}

function Password({ me }: { me: Me }) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { oldPassword: '', password: '' },
    validate: {
      oldPassword: (value) => (value ? null : t('errors.field.required')),
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
    },
  })
  const { submit, failure, busy } = useSubmit(form, async ({ oldPassword, password }) => {
    await saveMe(me, { oldPassword, password, passwordConfirm: password })
    // A new password ends every session, this one too: sign in again with it before anything else is asked.
    await pb.collection('users').authWithPassword(me.email, password)
  }, () => {
    form.reset()
    saved(t('profile.passwordSaved'))
  })
  const toggle = { visibilityToggleButtonProps: { 'aria-label': t('auth.showPassword') } }
  return (
    <form onSubmit={submit} noValidate>
      <Section title={t('auth.password')} text={t('profile.passwordText')}>
        <ProblemAlert problem={failure} />
        <input type="hidden" name="username" autoComplete="username" value={me.email} readOnly />
        <PasswordInput label={t('profile.oldPassword')} autoComplete="current-password" {...toggle} {...field(form, 'oldPassword', { required: true })} />
        <PasswordInput label={t('auth.newPassword')} description={t('auth.passwordRule', { count: PASSWORD.min })} autoComplete="new-password" {...toggle} {...field(form, 'password', { required: true, max: PASSWORD.max })} />
        <div><Button type="submit" variant="default" loading={busy}>{t('profile.changePassword')}</Button></div>
      </Section>
    </form>
  )
}
