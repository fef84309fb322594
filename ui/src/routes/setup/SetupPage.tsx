import { Button, Checkbox, Divider, Select, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Navigate, useLocation, useNavigate } from '@tanstack/react-router'
import type { RecordModel } from 'pocketbase'
import { CircleAlert, CircleCheck } from 'lucide-react'
import { useState } from 'react'
import { NewPassword } from '../../components/NewPassword'
import { field } from '../../components/Field'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { deskQuery, type Desk } from '../../lib/desk'
import { useSubmit } from '../../lib/form'
import { browserCountry, browserZone } from '../../lib/format'
import { useLanguage, useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { queries } from '../../lib/queries'
import { GuestPage } from '../auth/GuestPage'
import { NAME, PASSWORD } from '../limits'
import { countries, countryCodes } from '../settings/data'
import { installationQuery, MailSettings, ProviderCheck } from './Connections'

interface SetupAnswer {
  token: string
  record: RecordModel
  organization: { id: string }
}

/**
 * First run: the first account and its organization, then what the server needs from outside. Once somebody exists, this
 * page leads to sign-in.
 */
export function SetupPage() {
  const t = useT()
  const language = useLanguage()
  const navigate = useNavigate()
  const desk = useQuery(deskQuery)
  const [made, setMade] = useState('')
  // The link the server printed brings it; who came another way types it.
  const printed = new URLSearchParams(useLocation({ select: ({ hash }) => hash })).get('code') ?? ''
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: {
      name: '',
      email: '',
      password: '',
      organization: '',
      country: browserCountry(countryCodes),
      demo: true,
      code: printed,
    },
    validate: {
      name: (value) => (value.trim() ? null : t('errors.field.required')),
      email: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : t('errors.field.email')),
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
      organization: (value) => (value.trim() ? null : t('errors.field.required')),
      code: (value) => (value.trim() || !desk.data?.setup_code ? null : t('errors.field.required')),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    (values) =>
      api.post<SetupAnswer>('/api/setup', { ...values, email: values.email.trim(), timezone: browserZone(), language }),
    async ({ token, record, organization }) => {
      pb.authStore.save(token, record)
      queries.clear()
      // A demonstration needs nothing from outside.
      if (desk.data?.sandbox) await navigate({ to: '/o/$org', params: { org: organization.id }, replace: true })
      else setMade(organization.id)
    },
  )
  if (made) return <Outside done={() => void navigate({ to: '/o/$org', params: { org: made }, replace: true })} />
  if (desk.data && !desk.data.setup_needed && !busy) {
    if (!pb.authStore.isValid) return <Navigate to="/login" replace />
    // Loaded again in the second step, or come back to.
    return desk.data.operator ? (
      <Outside done={() => void navigate({ to: '/', replace: true })} />
    ) : (
      <Navigate to="/" replace />
    )
  }
  if (desk.error)
    return (
      <GuestPage title={t('setup.title')}>
        <ErrorState error={desk.error} onRetry={desk.refetch} />
      </GuestPage>
    )
  if (!desk.data)
    return (
      <GuestPage title={t('setup.title')}>
        <SkeletonAfter200ms lines={8} />
      </GuestPage>
    )
  return (
    <GuestPage title={t('setup.title')} text={t('setup.text')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <TextInput
            label={t('profile.name')}
            autoComplete="name"
            autoFocus
            {...field(form, 'name', { required: true, ...NAME })}
          />
          <TextInput
            label={t('setup.organization')}
            placeholder={t('setup.organizationExample')}
            autoComplete="organization"
            {...field(form, 'organization', { required: true, ...NAME })}
          />
          <Select
            label={t('settings.details.country')}
            description={t('setup.countryText')}
            searchable
            data={countries(language)}
            {...field(form, 'country')}
          />
          <TextInput
            label={t('auth.email')}
            type="email"
            autoComplete="username"
            {...field(form, 'email', { required: true })}
          />
          <NewPassword
            label={t('auth.password')}
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
            {...field(form, 'password', { required: true, max: PASSWORD.max })}
          />
          {desk.data.setup_code && (
            <TextInput
              label={t('setup.code')}
              description={t('setup.codeText')}
              autoComplete="off"
              spellCheck={false}
              {...field(form, 'code', { required: true })}
            />
          )}
          {desk.data.sandbox && (
            <Checkbox
              label={t('setup.demo')}
              description={t('setup.demoText')}
              key={form.key('demo')}
              {...form.getInputProps('demo', { type: 'checkbox' })}
            />
          )}
          <Facts desk={desk.data} />
          <Button type="submit" loading={busy} fullWidth size="md">{t('setup.start')}</Button>
        </Stack>
      </form>
    </GuestPage>
  )
}

/** The second step: whether the phone provider takes the key, and how mail is sent. All of it can wait. */
function Outside({ done }: { done: () => void }) {
  const t = useT()
  const answer = useQuery(installationQuery)
  return (
    <GuestPage title={t('setup.outside')} text={t('setup.outsideText')}>
      {answer.isPending && <SkeletonAfter200ms lines={8} />}
      {answer.error && !answer.data && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      {answer.data && (
        <Stack gap="lg">
          <Stack gap="xs" component="section">
            <Title order={2} size="h4">{t('installation.provider.title')}</Title>
            <ProviderCheck provider={answer.data.provider} />
          </Stack>
          <Divider />
          <Stack gap="xs" component="section">
            <Title order={2} size="h4">{t('installation.mail.title')}</Title>
            <MailSettings mail={answer.data.mail} />
          </Stack>
        </Stack>
      )}
      <Button size="md" fullWidth onClick={done}>{t('setup.onward')}</Button>
    </GuestPage>
  )
}

/** What this server knows of itself, and what is left to set where it was started. */
function Facts({ desk }: { desk: Desk }) {
  const t = useT()
  const here = window.location.origin
  const rows = [
    {
      label: t('setup.address'),
      good: desk.public_url !== '',
      text:
        desk.public_url === ''
          ? t('setup.addressNone')
          : desk.public_url === here
            ? t('setup.addressText')
            : t('setup.addressOther', { here }),
      value: desk.public_url,
    },
    { label: t('setup.mail'), good: desk.mail, text: t(desk.mail ? 'setup.mailOn' : 'setup.mailOff') },
    ...(desk.sandbox ? [{ label: t('setup.provider'), good: true, text: t('setup.providerDemo') }] : []),
  ]
  return (
    <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
      {rows.map(({ label, good, text, value }) => {
        const Icon = good ? CircleCheck : CircleAlert
        return (
          <li key={label} style={{ display: 'flex', gap: 8 }}>
            <Icon
              size={16}
              aria-hidden
              color={good ? 'var(--mantine-color-anchor)' : 'var(--mantine-color-yellow-light-color)'}
              style={{ flexShrink: 0, marginTop: 3 }}
            />
            <Stack gap={0} miw={0}>
              <Text size="sm" fw={550}>{label}</Text>
              {value && <Text size="sm" className="pl-wrap">{value}</Text>}
              <Text size="sm" c="dimmed" className="pl-wrap">{text}</Text>
            </Stack>
          </li>
        )
      })}
    </Stack>
  )
}
