import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { ProblemAlert } from '../../components/States'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { CodeInput, Enroll, RecoveryCodes, codeProblem } from '../me/TwoFactor'
import { useArrive, type SignedInAnswer } from './arrive'
import { GuestPage } from './GuestPage'
import type { Waiting } from './waiting'

/** The second step of signing in: a code of the app, a recovery code or one by mail; or setting the app up, where an organization asks for it. */
export function SecondStep({
  waiting,
  next,
  onBack,
}: {
  waiting: Waiting
  next: string | undefined
  onBack: () => void
}) {
  const t = useT()
  const back = (
    <Anchor component="button" type="button" onClick={onBack}>
      {t('auth.backToSignIn')}
    </Anchor>
  )
  return waiting.methods.includes('setup') ? (
    <SetUp waiting={waiting} next={next} back={back} />
  ) : (
    <Code waiting={waiting} next={next} back={back} />
  )
}

interface StepProps {
  waiting: Waiting
  next: string | undefined
  back: ReactNode
}

function Code({ waiting: { ticket, methods }, next, back }: StepProps) {
  const t = useT()
  const arrive = useArrive()
  const [code, setCode] = useState('')
  const send = useMutation({
    mutationFn: () => api.post<SignedInAnswer>('/api/auth/second-factor', { ticket, code: code.trim() }),
    onSuccess: (answer) => arrive(answer, next),
  })
  const mail = useMutation({ mutationFn: () => api.post('/api/auth/second-factor/mail', { ticket }) })
  return (
    <GuestPage title={t('factor.title')} text={t('factor.text')} footer={back}>
      <form noValidate onSubmit={(event) => {
        event.preventDefault()
        if (code.trim()) send.mutate()
      }}>
        <Stack gap="md">
          <ProblemAlert problem={codeProblem(send.error, t) ?? (mail.error ? problem(mail.error, t) : undefined)} />
          <CodeInput value={code} onChange={setCode} kind="recovery" />
          <Button type="submit" loading={send.isPending} fullWidth size="md">
            {t('auth.signIn')}
          </Button>
          {methods.includes('otp') &&
            (mail.isSuccess ? (
              <Text size="sm" role="status">
                {t('factor.mailed')}
              </Text>
            ) : (
              <Anchor
                component="button"
                type="button"
                size="sm"
                onClick={() => mail.mutate()}
                aria-disabled={mail.isPending}
              >
                {t('factor.mail')}
              </Anchor>
            ))}
          <Text size="sm" c="dimmed">
            {t('factor.lost')}
          </Text>
        </Stack>
      </form>
    </GuestPage>
  )
}

function SetUp({ waiting: { ticket }, next, back }: StepProps) {
  const t = useT()
  const arrive = useArrive()
  const [done, setDone] = useState<SignedInAnswer>()
  const codes = done?.meta?.recovery_codes
  if (done && codes) {
    return (
      <GuestPage title={t('profile.factor.codes')}>
        <RecoveryCodes codes={codes} who={done.record.email} onKept={() => void arrive(done, next)} />
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('factor.setUp')} text={t('factor.setUpText')} footer={back}>
      <Enroll
        start={() => api.post('/api/me/two-factor/start', { ticket })}
        confirm={(code) => api.post<SignedInAnswer>('/api/me/two-factor/confirm', { ticket, code })}
        onDone={(answer) => (answer.meta?.recovery_codes ? setDone(answer) : void arrive(answer, next))}
      />
    </GuestPage>
  )
}
