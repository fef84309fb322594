import {
  Alert, Anchor, Button, Checkbox, Group, Select, SimpleGrid, Stack, Switch, Text, TextInput, Textarea,
} from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FileDown, ShieldAlert } from 'lucide-react'
import { EditorForm } from '../../components/EditorForm'
import { Field, field } from '../../components/Field'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { api, fetchBlob, saveBlob } from '../../lib/api'
import { useEditor, type EditForm } from '../../lib/editor'
import { problem } from '../../lib/errors'
import { useT, type Key } from '../../lib/i18n'
import { changed } from '../../lib/rebase'
import { useHere, useMe, useOrg } from '../../lib/session'
import { admits, readNetworks } from './networks'
import { SettingsPage } from './SettingsPage'
import { WebhookSecret } from './WebhookSecret'

const kept = [
  'keep_recordings_days',
  'keep_transcripts_days',
  'keep_messages_days',
  'keep_events_days',
  'keep_audit_days',
] as const
type Kept = (typeof kept)[number]
const methods = ['password', 'otp', 'oauth2'] as const

type Settings = {
  /** The organization's. */
  id: string
  two_factor_enabled: boolean
  allowed_auth_methods: string[] | null
  session_timeout_minutes: number
  ip_whitelist: string[] | null
  legal_hold: boolean
  /** Where this request came from, as the server sees it. */
  your_address?: string
} & Record<Kept, number>

type Values = {
  two_factor_enabled: boolean
  allowed_auth_methods: string[]
  session_timeout_minutes: string
  ip_whitelist: string
  legal_hold: boolean
} & Record<Kept, string>

const toForm = (s: Settings): Values => ({
  two_factor_enabled: s.two_factor_enabled,
  allowed_auth_methods: s.allowed_auth_methods?.length ? [...s.allowed_auth_methods] : [...methods],
  session_timeout_minutes: String(s.session_timeout_minutes || 0),
  ip_whitelist: (s.ip_whitelist ?? []).join('\n'),
  legal_hold: s.legal_hold,
  ...(Object.fromEntries(kept.map((name) => [name, String(s[name] ?? 0)])) as Record<Kept, string>),
})

function toPatch(v: Values): Omit<Settings, 'id' | 'your_address'> {
  return {
    two_factor_enabled: v.two_factor_enabled,
    allowed_auth_methods: v.allowed_auth_methods,
    session_timeout_minutes: Number(v.session_timeout_minutes),
    ip_whitelist: readNetworks(v.ip_whitelist).networks,
    legal_hold: v.legal_hold,
    ...(Object.fromEntries(kept.map((name) => [name, Number(v[name])])) as Record<Kept, number>),
  }
}

const example = '203.0.113.7\n2001:db8::/48'

const labels = {
  two_factor_enabled: 'settings.security.twoFactor',
  allowed_auth_methods: 'settings.security.ways',
  session_timeout_minutes: 'settings.security.session',
  ip_whitelist: 'settings.security.list',
  legal_hold: 'settings.security.hold',
} as const satisfies Record<Exclude<keyof Values, Kept>, Key>

const isDays = (value: string) => /^\d{1,4}$/.test(value) && Number(value) <= 3650

const security: EditForm<Settings, Values> = {
  toForm,
  toBody: (values, base) => changed(toPatch(base), toPatch(values)),
  label: (name) => (name in labels ? labels[name as keyof typeof labels] : `settings.security.${name as Kept}`),
  problems: (values, t) => {
    const { wrong } = readNetworks(values.ip_whitelist)
    return {
      ...(values.allowed_auth_methods.length === 0 && { allowed_auth_methods: t('settings.security.noWay') }),
      ...(wrong.length > 0 && { ip_whitelist: t('settings.security.badNetworks', { networks: wrong.join(', ') }) }),
      ...Object.fromEntries(
        kept.filter((name) => !isDays(values[name])).map((name) => [name, t('settings.security.badDays')]),
      ),
    }
  },
}

interface Answer {
  data: { settings: Omit<Settings, 'id'> }
}

export function SecurityPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const answer = useQuery({
    queryKey: [org, 'security_settings', 'one'],
    enabled: can('settings.manage'),
    queryFn: async ({ signal }): Promise<Settings> => {
      const answer = await api.get<Answer>('/api/security/settings', { signal, query: { organization: org } })
      return { id: org, ...answer.data.settings }
    },
  })
  return (
    <SettingsPage
      title={t('settings.nav.security')}
      text={t('settings.security.text')}
      needs={['settings.manage']}
      actions={<Pack />}
    >
      {answer.isPending && <SkeletonAfter200ms lines={10} />}
      {answer.error && !answer.data && <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />}
      {answer.data && <Editor key={org} settings={answer.data} />}
      {/* Not before what stands above it: it would be pushed away. */}
      {!answer.isPending && can('settings.manage') && <WebhookSecret />}
    </SettingsPage>
  )
}

function Editor({ settings }: { settings: Settings }) {
  const t = useT()
  const org = useOrg()
  const me = useMe()
  const send = async (body: object): Promise<Settings> => {
    const answer = await api.patch<Answer>('/api/security/settings', body, { query: { organization: org } })
    return { id: org, ...answer.data.settings }
  }
  const editor = useEditor<Settings, Values>('security_settings', send, {
    ...security, record: settings, done: () => saved(t('settings.saved')),
  })
  const { form, base } = editor
  const own = settings.your_address ?? ''
  const typed = readNetworks(form.values.ip_whitelist).networks
  const warn = own !== '' && typed.length > 0 && !admits(typed, own)
  const sessions = [...new Set(['30', '60', '240', '480', '1440', '10080', base.session_timeout_minutes])].sort(
    (a, b) => Number(a) - Number(b),
  )
  return (
    <EditorForm editor={editor}>
      <Section title={t('settings.security.signIn')}>
        <Switch label={t('settings.security.twoFactor')} description={t('settings.security.twoFactorText')}
          {...form.getInputProps('two_factor_enabled', { type: 'checkbox' })} />
        {form.values.two_factor_enabled && !base.two_factor_enabled && (
          <Alert color="yellow" variant="light" icon={<ShieldAlert size={18} aria-hidden />}>
            {me?.two_factor ? (
              t('settings.security.twoFactorWarn')
            ) : (
              <>
                {t('settings.security.twoFactorSelf')}{' '}
                <Anchor component={Link} to="/me/security" size="sm">
                  {t('factor.setUp')}
                </Anchor>
              </>
            )}
          </Alert>
        )}
        <Field
          label={t('settings.security.ways')}
          hint={t('settings.security.waysHint')}
          error={form.errors.allowed_auth_methods}
        >
          {(ids) => (
            <Checkbox.Group
              {...ids}
              value={form.values.allowed_auth_methods}
              onChange={(value) =>
                form.setFieldValue(
                  'allowed_auth_methods',
                  methods.filter((m) => value.includes(m)),
                )
              }
            >
              <Stack gap="xs" mt={6}>
                {methods.map((value) => (
                  <Checkbox key={value} value={value} label={t(`settings.security.methods.${value}`)} />
                ))}
              </Stack>
            </Checkbox.Group>
          )}
        </Field>
        <Select
          label={t('settings.security.session')}
          description={t('settings.security.sessionHint')}
          maw={320}
          allowDeselect={false}
          {...field(form, 'session_timeout_minutes')}
          data={sessions.map((value) => ({
            value,
            label:
              Number(value) % 1440 === 0
                ? t('settings.security.days', { count: Number(value) / 1440 })
                : Number(value) % 60 === 0
                  ? t('settings.security.hours', { count: Number(value) / 60 })
                  : t('settings.security.minutes', { count: Number(value) }),
          }))}
        />
      </Section>
      <Section title={t('settings.security.networks')} text={t('settings.security.networksText')}>
        <Textarea
          label={t('settings.security.list')}
          description={t('settings.security.listHint')}
          placeholder={example}
          autosize
          minRows={3}
          maxRows={12}
          spellCheck={false}
          styles={{ input: { fontFamily: 'monospace' } }}
          {...field(form, 'ip_whitelist')}
        />
        {own && (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {t('settings.security.yours', { address: own })}
            </Text>
            {(typed.length === 0 || warn) && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => form.setFieldValue('ip_whitelist', `${form.values.ip_whitelist.trim()}\n${own}`.trim())}
              >
                {t('settings.security.addYours')}
              </Button>
            )}
          </Group>
        )}
        {warn && !form.errors.ip_whitelist && (
          <Alert color="red" variant="light" icon={<ShieldAlert size={18} aria-hidden />} role="alert">
            {t('settings.security.lockText', { address: own })}
          </Alert>
        )}
      </Section>
      <Section title={t('settings.security.retention')} text={t('settings.security.retentionText')}>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
          {kept.map((name) => (
            <div key={name}>
              <TextInput
                type="number"
                min={name === 'keep_audit_days' ? 30 : 0}
                max={3650}
                label={t(`settings.security.${name}`)}
                rightSectionWidth={56}
                rightSection={
                  <Text size="xs" c="dimmed">
                    {t('settings.security.day')}
                  </Text>
                }
                {...field(form, name)}
              />
            </div>
          ))}
        </SimpleGrid>
        <Switch
          label={t('settings.security.hold')}
          description={t('settings.security.holdText')}
          checked={form.values.legal_hold}
          onChange={(event) => form.setFieldValue('legal_hold', event.currentTarget.checked)}
        />
      </Section>
    </EditorForm>
  )
}

/** What is true of this installation, for whoever asks: where data is, how long, who else sees it. */
function Pack() {
  const t = useT()
  const org = useOrg()
  const get = useMutation({
    mutationFn: () => fetchBlob(`/api/security/compliance-docs?organization=${org}`),
    onSuccess: (blob) => saveBlob(blob, 'compliance.md'),
    onError: (error) => failed(problem(error, t)),
  })
  return (
    <Button
      variant="default"
      loading={get.isPending}
      leftSection={<FileDown size={16} aria-hidden />}
      onClick={() => get.mutate()}
    >
      {t('settings.security.pack')}
    </Button>
  )
}
