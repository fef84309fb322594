import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery } from '@tanstack/react-query'
import { MailQuestionMark, MailX, ShieldAlert, ShieldCheck } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { field } from '../../components/Field'
import { Section } from '../../components/Section'
import { ProblemAlert } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { saved } from '../../components/toast'
import { api } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { queries } from '../../lib/queries'
import type { Me } from '../../lib/session'
import { MeFrame } from './MeFrame'
import { Password } from './Password'
import { CodeInput, Enroll, RecoveryCodes, codeProblem } from './TwoFactor'

export function SecurityPage() {
  const t = useT()
  return (
    <MeFrame title={t('profile.tabs.security')}>
      {(me) => (
        <>
          <TwoFactor me={me} />
          <Password me={me} />
          <Address me={me} />
        </>
      )}
    </MeFrame>
  )
}

/** The profile shows the factor at once, and organizations that ask for one open; a failed refresh waits for the next one. */
const refresh = () =>
  Promise.all([
    pb
      .collection('users')
      .authRefresh()
      .catch(() => undefined),
    queries.invalidateQueries({ queryKey: ['me', 'memberships'] }),
  ])

type Step = 'none' | 'enroll' | 'disable' | 'recovery'

function TwoFactor({ me }: { me: Me }) {
  const t = useT()
  const [step, setStep] = useState<Step>('none')
  const [codes, setCodes] = useState<string[]>()
  const on = me.two_factor === true
  const close = () => setStep('none')
  return (
    <Section
      title={t('profile.factor.title')}
      text={t('profile.factor.text')}
      actions={
        <StatusBadge
          icon={on ? ShieldCheck : ShieldAlert}
          tone={on ? 'good' : 'warn'}
          label={t(on ? 'profile.factor.on' : 'profile.factor.off')}
        />
      }
    >
      <Group gap="xs">
        {on ? (
          <>
            <Button variant="default" onClick={() => setStep('recovery')}>
              {t('profile.factor.newCodes')}
            </Button>
            <Button variant="default" color="red" onClick={() => setStep('disable')}>
              {t('profile.factor.disable')}
            </Button>
          </>
        ) : (
          <Button leftSection={<ShieldCheck size={16} aria-hidden />} onClick={() => setStep('enroll')}>
            {t('profile.factor.enable')}
          </Button>
        )}
      </Group>
      {step === 'enroll' && (
        <Dialog onClose={close} title={t('factor.setUp')} size="md">
          <Enroll
            start={(password) => api.post('/api/me/two-factor/start', { password })}
            confirm={(code) => api.post<{ recovery_codes: string[] }>('/api/me/two-factor/confirm', { code })}
            onDone={(answer) => {
              close()
              setCodes(answer.recovery_codes)
              void refresh()
            }}
          />
        </Dialog>
      )}
      {(step === 'disable' || step === 'recovery') && (
        <Prove step={step} onClose={close} onDone={(made) => {
          close()
          if (made) setCodes(made)
          else saved(t('profile.factor.disabled'))
          void refresh()
        }} />
      )}
      {codes && (
        <Dialog
          onClose={() => setCodes(undefined)}
          title={t('profile.factor.codes')}
          closeOnClickOutside={false}
          withCloseButton={false}
        >
          <RecoveryCodes codes={codes} who={me.email} onKept={() => setCodes(undefined)} />
        </Dialog>
      )}
    </Section>
  )
}

/** A code proves that it is the person who weakens or renews the second factor. */
function Prove({
  step,
  onClose,
  onDone,
}: {
  step: 'disable' | 'recovery'
  onClose: () => void
  onDone: (codes?: string[]) => void
}) {
  const t = useT()
  const [code, setCode] = useState('')
  const send = useMutation({
    mutationFn: () => api.post<{ recovery_codes?: string[] }>(`/api/me/two-factor/${step}`, { code: code.trim() }),
    onSuccess: (answer) => onDone(step === 'recovery' ? answer.recovery_codes : undefined),
  })
  return (
    <Dialog onClose={onClose} title={t(step === 'disable' ? 'profile.factor.disable' : 'profile.factor.newCodes')}>
      <form onSubmit={(event) => {
        event.preventDefault()
        if (code.trim()) send.mutate()
      }}>
        <Stack gap="md">
          <Text size="sm">{t(step === 'disable' ? 'profile.factor.disableText' : 'profile.factor.newCodesText')}</Text>
          <ProblemAlert problem={codeProblem(send.error, t)} />
          <CodeInput value={code} onChange={setCode} kind="recovery" />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" color={step === 'disable' ? 'red' : undefined} loading={send.isPending}>
              {t(step === 'disable' ? 'profile.factor.disable' : 'profile.factor.makeCodes')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** A new address counts once its mail was opened and the password given. */
function Address({ me }: { me: Me }) {
  const t = useT()
  const { data: desk } = useQuery(deskQuery)
  const [sentTo, setSentTo] = useState('')
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { newEmail: '' },
    validate: { newEmail: (value) => (/^\S+@\S+\.\S+$/.test(value.trim()) ? null : t('errors.field.email')) },
  })
  const { submit, failure, busy } = useSubmit(form, async ({ newEmail }) => {
    await pb.collection('users').requestEmailChange(newEmail.trim())
    return newEmail.trim()
  }, (address) => {
    form.reset()
    setSentTo(address)
  })
  return (
    <form onSubmit={submit} noValidate>
      <Section title={t('profile.address')} text={t('profile.addressText', { email: me.email })}>
        <ProblemAlert problem={failure} />
        {me.verified === false && <Unconfirmed email={me.email} mail={desk?.mail === true} />}
        {sentTo && (
          <Alert color="teal" variant="light" role="status">
            {t('profile.addressSent', { email: sentTo })}
          </Alert>
        )}
        {desk && !desk.mail ? (
          <Alert color="yellow" variant="light" icon={<MailX size={18} aria-hidden />}>
            {t('profile.addressNoMail')}
          </Alert>
        ) : (
          <>
            <TextInput
              type="email"
              label={t('profile.newAddress')}
              autoComplete="email"
              {...field(form, 'newEmail', { required: true })}
            />
            <div>
              <Button type="submit" variant="default" loading={busy}>
                {t('profile.changeAddress')}
              </Button>
            </div>
          </>
        )}
      </Section>
    </form>
  )
}

/** Says that nobody has proved the address yet, and helps. Who confirms it elsewhere finds it confirmed here. */
function Unconfirmed({ email, mail }: { email: string; mail: boolean }) {
  const t = useT()
  const send = useMutation({ mutationFn: () => pb.collection('users').requestVerification(email) })
  useEffect(() => void refresh(), [])
  if (send.isSuccess)
    return (
      <Alert color="teal" variant="light" role="status">
        {t('profile.verifySent', { email })}
      </Alert>
    )
  return (
    <Alert color="yellow" variant="light" icon={<MailQuestionMark size={18} aria-hidden />}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t('profile.unverified')}</Text>
        <ProblemAlert problem={send.error ? problem(send.error, t) : undefined} />
        {mail && (
          <Button size="xs" variant="default" loading={send.isPending} onClick={() => send.mutate()}>
            {t('profile.verify')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}
