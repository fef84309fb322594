import { Alert, Button, Group, PasswordInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, MailCheck, PlugZap } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { DirtyBar } from '../../components/DirtyBar'
import { field } from '../../components/Field'
import { Pair } from '../../components/Pair'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT, type Key } from '../../lib/i18n'

interface Mail {
  enabled: boolean
  host: string
  port: number
  username: string
  password_set: boolean
  tls: boolean
  auth_method: string
  sender_name: string
  sender_address: string
}

export interface Installation {
  restored?: { held: boolean }
  server: {
    version: string
    /** "" when it is not set. */
    public_url: string
    health: {
      status: 'healthy' | 'degraded' | 'unhealthy'
      checks: Partial<Record<string, { status: 'pass' | 'warn' | 'fail'; message: string }>>
    }
    alerts: { mail: string; webhook: boolean }
    /** "" when the key came with the environment. */
    key_file: string
  }
  mail: Mail
  provider: { name: string; key_set: boolean; address: string; sandbox: boolean }
}

/** What the server was told about mail and the phone provider; for its operator. */
export const installationQuery = queryOptions({
  queryKey: ['installation'],
  queryFn: ({ signal }) => api.get<Installation>('/api/installation', { signal }),
})

interface Result {
  ok: boolean
  code: string
  message: string
  /** The other side's own words. */
  detail?: string
  to?: string
}

const example = 'smtp.example.com'

const mailCodes = [
  'sent',
  'off',
  'unknown_host',
  'connection_refused',
  'no_tls',
  'certificate',
  'silent',
  'hung_up',
  'insecure',
  'no_sign_in',
  'auth_refused',
  'refused',
  'later',
  'unreachable',
] as const
const providerCodes = [
  'works',
  'no_key',
  'wrong_key',
  'unpaid',
  'busy',
  'down',
  'refused',
  'silent',
  'unreachable',
] as const

/** What a check came to: our sentence for what we know, the server's for what we do not, and the other side's own words. */
function Outcome({ result, text }: { result: Result; text: ReactNode }) {
  const t = useT()
  return (
    <Alert
      color={result.ok ? 'teal' : 'red'}
      variant="light"
      role={result.ok ? 'status' : 'alert'}
      icon={result.ok ? <CircleCheck size={18} aria-hidden /> : <CircleAlert size={18} aria-hidden />}
    >
      <Text size="sm" className="pl-wrap">
        {text}
      </Text>
      {result.detail && (
        <Text size="xs" c="dimmed" mt={4} className="pl-wrap">
          {t('installation.said', { words: result.detail })}
        </Text>
      )}
    </Alert>
  )
}

/** Whether the phone provider takes the key the server was started with. */
export function ProviderCheck({ provider }: { provider: Installation['provider'] }) {
  const t = useT()
  const check = useMutation({ mutationFn: () => api.post<Result>('/api/installation/check/provider') })
  const result = check.data
  const known = providerCodes.find((code) => code === result?.code)
  return (
    <Stack gap="sm">
      <Text size="sm" className="pl-wrap">
        {provider.sandbox
          ? t('installation.provider.sandbox')
          : t(provider.key_set ? 'installation.provider.key' : 'installation.provider.noKey', {
              name: provider.name,
              address: provider.address,
            })}
      </Text>
      <div>
        <Button
          variant="default"
          leftSection={<PlugZap size={16} aria-hidden />}
          loading={check.isPending}
          onClick={() => check.mutate()}
        >
          {t('installation.provider.check')}
        </Button>
      </div>
      <ProblemAlert problem={check.error ? problem(check.error, t) : undefined} />
      {result && (
        <Outcome
          result={result}
          text={known ? t(`installation.provider.results.${known}` as Key, { name: provider.name }) : result.message}
        />
      )}
    </Stack>
  )
}

type Values = {
  enabled: boolean
  host: string
  port: string
  username: string
  password: string
  tls: boolean
  auth_method: string
  sender_name: string
  sender_address: string
}

const toForm = (m: Mail): Values => ({
  ...m,
  port: String(m.port || 587),
  password: '',
  auth_method: m.auth_method || 'PLAIN',
})

/** An empty password leaves the stored one; without a user name there is none. */
const toBody = ({ port, password, ...rest }: Values) => ({
  ...rest,
  port: Number(port),
  ...(password !== '' ? { password } : rest.username.trim() === '' ? { password: '' } : {}),
})

/** How mail is sent: settings, and a test mail to whoever sits here, with what is typed, saved or not. */
export function MailSettings({ mail, bar = false }: { mail: Mail; bar?: boolean }) {
  const t = useT()
  const queries = useQueryClient()
  const [base, setBase] = useState(mail)
  const [dirty, setDirty] = useState(false)
  const [result, setResult] = useState<Result>()
  const moved = (v: Values) =>
    v.host.trim() !== base.host || Number(v.port) !== base.port || v.username.trim() !== base.username
  const form = useForm<Values>({
    mode: 'controlled',
    initialValues: toForm(mail),
    onValuesChange: () => setDirty(form.isDirty()),
    validate: {
      host: (value, all) => (!all.enabled || value.trim() ? null : t('errors.field.required')),
      port: (value) =>
        /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65535 ? null : t('installation.mail.badPort'),
      password: (value, all) =>
        value === '' && base.password_set && all.username.trim() !== '' && moved(all)
          ? t('installation.mail.again')
          : null,
      sender_name: (value) => (value.trim() ? null : t('errors.field.required')),
      sender_address: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : t('errors.field.email')),
    },
  })
  const settle = (stored: Mail) => {
    const values = toForm(stored)
    setBase(stored)
    form.setInitialValues(values)
    form.setValues(values)
    form.resetDirty(values)
    setDirty(false)
  }
  const { submit, failure, busy, setFailure } = useSubmit(
    form,
    (values) => api.put<{ mail: Mail }>('/api/installation/mail', toBody(values)),
    (answer) => {
      settle(answer.mail)
      queries.setQueryData(installationQuery.queryKey, (old) => old && { ...old, mail: answer.mail })
      void queries.invalidateQueries({ queryKey: ['desk'] })
      saved(t('settings.saved'))
    },
  )
  const test = useSubmit(
    form,
    (values) => api.post<Result>('/api/installation/check/mail', { settings: toBody(values) }),
    (answer) => setResult(answer),
  )
  const known = mailCodes.find((code) => code === result?.code)
  const on = form.values.enabled
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ProblemAlert problem={failure ?? test.failure} />
        <Switch
          label={t('installation.mail.enabled')}
          description={t('installation.mail.enabledHint')}
          checked={on}
          onChange={(event) => form.setFieldValue('enabled', event.currentTarget.checked)}
        />
        {on && (
          <>
            <Pair>
              <TextInput
                label={t('installation.mail.host')}
                placeholder={example}
                autoComplete="off"
                spellCheck={false}
                {...field(form, 'host', { required: true, max: 255 })}
              />
              <TextInput
                label={t('installation.mail.port')}
                inputMode="numeric"
                autoComplete="off"
                {...field(form, 'port', { required: true, max: 5 })}
              />
              <TextInput
                label={t('installation.mail.username')}
                autoComplete="off"
                spellCheck={false}
                {...field(form, 'username', { max: 255 })}
              />
              <PasswordInput
                label={t('auth.password')}
                autoComplete="off"
                placeholder={base.password_set && !moved(form.values) ? t('installation.mail.stored') : undefined}
                visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
                {...field(form, 'password', { max: 1000 })}
              />
            </Pair>
            <Switch
              label={t('installation.mail.tls')}
              description={t('installation.mail.tlsHint')}
              checked={form.values.tls}
              onChange={(event) => form.setFieldValue('tls', event.currentTarget.checked)}
            />
            <Select
              label={t('installation.mail.method')}
              description={t('installation.mail.methodHint')}
              allowDeselect={false}
              data={['PLAIN', 'LOGIN']}
              {...field(form, 'auth_method')}
            />
            <Pair>
              <TextInput
                label={t('installation.mail.senderName')}
                autoComplete="off"
                {...field(form, 'sender_name', { required: true, max: 100 })}
              />
              <TextInput
                label={t('installation.mail.senderAddress')}
                type="email"
                autoComplete="off"
                {...field(form, 'sender_address', { required: true, max: 255 })}
              />
            </Pair>
          </>
        )}
        {result && on && (
          <Outcome
            result={result}
            text={known ? t(`installation.mail.results.${known}` as Key, { email: result.to ?? '' }) : result.message}
          />
        )}
        <Group gap="xs">
          {!bar && <Button type="submit" disabled={!dirty} loading={busy}>{t('actions.save')}</Button>}
          {on && (
            <Button
              variant="default"
              leftSection={<MailCheck size={16} aria-hidden />}
              loading={test.busy}
              onClick={() => {
                setResult(undefined)
                setFailure(undefined)
                test.submit()
              }}
            >
              {t('installation.mail.test')}
            </Button>
          )}
        </Group>
      </Stack>
      {bar && <DirtyBar dirty={dirty} saving={busy} onDiscard={() => {
        settle(base)
        setFailure(undefined)
      }} />}
    </form>
  )
}
