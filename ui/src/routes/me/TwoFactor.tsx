import {
  Alert, Button, Code, Group, PasswordInput, SimpleGrid, Stack, Text, TextInput,
} from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Check, Copy, Download, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { CopyButton } from '../../components/CopyButton'
import { CopyLine } from '../../components/CopyLine'
import { QrCode } from '../../components/QrCode'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { saveBlob } from '../../lib/api'
import { problem, type Problem } from '../../lib/errors'
import { useT, type T } from '../../lib/i18n'

const hints = { app: 'factor.codeHint', recovery: 'factor.codeOrRecovery', mail: 'factor.codeByMail' } as const

/** What is wrong with a code that was not taken; any other failure in its own words. */
export function codeProblem(error: unknown, t: T): Problem | undefined {
  if (!error) return undefined
  const found = problem(error, t)
  return found.status === 400 ? { ...found, title: t('factor.wrongTitle'), cause: t('factor.wrong') } : found
}

/** Where a code goes: of an authenticator app, a recovery code too, or one by mail. Phones show digits, browsers offer the code. */
export function CodeInput({
  value,
  onChange,
  kind = 'app',
  error,
}: {
  value: string
  onChange: (code: string) => void
  kind?: 'app' | 'recovery' | 'mail'
  error?: string
}) {
  const t = useT()
  return (
    <TextInput
      label={t('factor.code')}
      description={t(hints[kind])}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
      autoComplete="one-time-code"
      inputMode={kind === 'recovery' ? 'text' : 'numeric'}
      maxLength={40}
      spellCheck={false}
      data-autofocus
      autoFocus
      styles={{ input: { fontFamily: 'monospace', letterSpacing: '0.15em' } }}
    />
  )
}

/** Sets up an authenticator app: show the secret, prove that the app has it. */
export function Enroll<A>({ start, confirm, onDone }: {
  start: (password?: string) => Promise<{ secret: string; uri: string }>
  confirm: (code: string) => Promise<A>
  onDone: (answer: A) => void
}) {
  const t = useT()
  const [code, setCode] = useState('')
  const [password, setPassword] = useState('')
  // Each start makes another secret, so it is asked once and not again when the window gets the focus back from the phone.
  const begun = useQuery({
    queryKey: ['me', 'two-factor', 'start'],
    queryFn: () => start(password || undefined),
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  const send = useMutation({ mutationFn: () => confirm(code.replaceAll(/\s/g, '')), onSuccess: onDone })
  if (begun.isPending) return <SkeletonAfter200ms lines={8} />
  const asked = begun.error ? problem(begun.error, t).fields['password'] : undefined
  if (asked !== undefined) {
    return (
      <form noValidate onSubmit={(event) => {
        event.preventDefault()
        if (password) void begun.refetch()
      }}>
        <Stack gap="md">
          <Text size="sm">{t('factor.again')}</Text>
          <PasswordInput
            label={t('profile.oldPassword')}
            autoComplete="current-password"
            data-autofocus
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={begun.errorUpdateCount > 1 ? asked : undefined}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={begun.isFetching}>
              {t('factor.next')}
            </Button>
          </Group>
        </Stack>
      </form>
    )
  }
  if (begun.error) return <ErrorState error={begun.error} onRetry={() => void begun.refetch()} />
  return (
    <form noValidate onSubmit={(event) => {
      event.preventDefault()
      if (code.trim()) send.mutate()
    }}>
      <Stack gap="md">
        <Text size="sm">{t('factor.scan')}</Text>
        <Group justify="center"><QrCode text={begun.data.uri} label={t('factor.qr')} /></Group>
        <CopyLine label={t('factor.secret')} value={begun.data.secret} grouped />
        <ProblemAlert problem={codeProblem(send.error, t)} />
        <CodeInput value={code} onChange={setCode} />
        <Button type="submit" loading={send.isPending}>{t('factor.confirm')}</Button>
      </Stack>
    </form>
  )
}

/** The recovery codes: seen once, here. */
export function RecoveryCodes({ codes, who, onKept }: { codes: readonly string[]; who: string; onKept: () => void }) {
  const t = useT()
  const text = codes.join('\n')
  return (
    <Stack gap="md">
      <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
        {t('factor.once')}
      </Alert>
      <SimpleGrid cols={2} spacing="xs">
        {codes.map((code) => (
          <Code key={code} ta="center" fz="sm" py={6}>
            {code}
          </Code>
        ))}
      </SimpleGrid>
      <Group gap="xs">
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              onClick={copy}
              leftSection={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
            >
              {t(copied ? 'share.copied' : 'share.copy')}
            </Button>
          )}
        </CopyButton>
        <Button
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          onClick={() =>
            saveBlob(
              new Blob([`${t('factor.fileTitle', { who })}\n\n${text}\n`], { type: 'text/plain' }),
              'recovery-codes.txt',
            )
          }
        >
          {t('factor.download')}
        </Button>
      </Group>
      <Button onClick={onKept}>{t('factor.kept')}</Button>
    </Stack>
  )
}
