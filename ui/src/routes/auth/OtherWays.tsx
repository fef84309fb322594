import { Alert, Anchor, Button, Divider, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleAlert, LogIn, Mail } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { ProblemAlert } from '../../components/States'
import { told } from '../../components/toast'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { Me } from '../../lib/session'
import { CodeInput } from '../me/TwoFactor'
import { useArrive } from './arrive'
import { NotSignedInElsewhere, signInElsewhere } from './elsewhere'
import { endedWords, waitingOf, type Waiting } from './waiting'

interface WaysProps {
  next: string | undefined
  /** The address typed above, so that nobody types it twice. */
  typed: () => string
  onWaiting: (waiting: Waiting) => void
}

/** The ways to sign in besides a password, as far as this installation has them: a code by mail, accounts elsewhere. */
export function OtherWays({ next, typed, onWaiting }: WaysProps) {
  const t = useT()
  const { data: desk } = useQuery(deskQuery)
  const { data } = useQuery({
    queryKey: ['auth-methods'],
    queryFn: ({ signal }) => pb.collection('users').listAuthMethods({ signal }),
    staleTime: 60_000,
    retry: false,
  })
  const arrive = useArrive()
  // Whoever closed the other window may begin again; the one before is given up then, and when the page goes.
  const [open, setOpen] = useState('')
  const run = useRef<AbortController>(undefined)
  useEffect(() => () => run.current?.abort(), [])
  const elsewhere = useMutation({
    mutationFn: (provider: string) => {
      run.current?.abort()
      const mine = (run.current = new AbortController())
      setOpen(provider)
      const closed = () => {
        if (run.current === mine) setOpen('')
      }
      return signInElsewhere(provider, mine.signal, closed).finally(closed)
    },
    onSuccess: (answer) => void arrive(answer, next),
    onError: (error) => {
      const half = waitingOf(error)
      if (half) onWaiting(half)
    },
  })
  const providers = data?.oauth2.enabled ? data.oauth2.providers : []
  const otp = data?.otp.enabled === true && desk?.mail === true
  if (providers.length === 0 && !otp) return null
  return (
    <Stack gap="sm">
      <Divider label={t('auth.or')} />
      {elsewhere.error instanceof NotSignedInElsewhere ? (
        <Alert color="red" variant="light" icon={<CircleAlert size={18} aria-hidden />} role="alert">
          {t('auth.elsewhereRefused')}
        </Alert>
      ) : (
        <ProblemAlert
          problem={elsewhere.error && !waitingOf(elsewhere.error) ? problem(elsewhere.error, t) : undefined}
        />
      )}
      {providers.map((provider) => (
        <Button
          key={provider.name}
          variant="default"
          fullWidth
          loading={open === provider.name}
          leftSection={<LogIn size={16} aria-hidden />}
          onClick={() => elsewhere.mutate(provider.name)}
        >
          {t('auth.with', { name: provider.displayName })}
        </Button>
      ))}
      {otp && <ByMail next={next} typed={typed} onWaiting={onWaiting} />}
    </Stack>
  )
}

function ByMail({ next, typed, onWaiting }: WaysProps) {
  const t = useT()
  const arrive = useArrive()
  const [open, setOpen] = useState(false)
  const [email, setEmail] = useState('')
  const [code, setCode] = useState('')
  const ask = useMutation({ mutationFn: () => pb.collection('users').requestOTP(email.trim()) })
  const enter = useMutation({
    mutationFn: () => pb.collection('users').authWithOTP<Me>(ask.data!.otpId, code.trim()),
    onSuccess: (answer) => void arrive(answer, next),
    onError: (error) => {
      const half = waitingOf(error)
      if (half?.ended) told(endedWords(half.ended, t))
      if (half) onWaiting(half)
    },
  })
  if (!open)
    return (
      <Button
        variant="default"
        fullWidth
        leftSection={<Mail size={16} aria-hidden />}
        onClick={() => {
          setEmail(typed())
          setOpen(true)
        }}
      >
        {t('auth.byMail')}
      </Button>
    )
  const wrong =
    enter.error && !waitingOf(enter.error)
      ? { ...problem(enter.error, t), title: t('auth.wrong.title'), cause: t('auth.wrongCode') }
      : undefined
  return (
    <form noValidate onSubmit={(event) => {
      event.preventDefault()
      if (ask.data) enter.mutate()
      else if (email.includes('@')) ask.mutate()
    }}>
      <Stack gap="sm">
        <ProblemAlert problem={ask.error ? problem(ask.error, t) : wrong} />
        {!ask.data && (
          <TextInput
            type="email"
            label={t('auth.email')}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            autoComplete="username"
            autoFocus
          />
        )}
        {ask.data && (
          <>
            <Alert color="teal" variant="light" role="status">{t('auth.codeSent', { email: email.trim() })}</Alert>
            <CodeInput value={code} onChange={setCode} kind="mail" />
            <Text size="sm">
              <Anchor component="button" type="button" onClick={() => ask.reset()}>
                {t('auth.newCode')}
              </Anchor>
            </Text>
          </>
        )}
        <Button type="submit" variant={ask.data ? 'filled' : 'light'} loading={ask.isPending || enter.isPending}>
          {t(ask.data ? 'auth.signIn' : 'auth.sendCode')}
        </Button>
      </Stack>
    </form>
  )
}
