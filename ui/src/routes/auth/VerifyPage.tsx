import { Alert, Anchor, Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import { ProblemAlert } from '../../components/States'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useMe } from '../../lib/session'
import { DeadLink } from './DeadLink'
import { GuestPage } from './GuestPage'
import { mailOf, mayWork, useLinkToken } from './token'

/** Confirms an address. It waits for a click: mail scanners open links, and a link works once. */
export function VerifyPage() {
  const token = useLinkToken()
  return <Verify key={token} token={token} />
}

function Verify({ token }: { token: string }) {
  const t = useT()
  const me = useMe()
  const email = mailOf(token)
  const verify = useMutation({
    mutationFn: async () => {
      const answer = await pb.send<{ reset_token?: string } | null>('/api/collections/users/confirm-verification', {
        method: 'POST',
        body: { token },
      })
      if (me)
        await pb
          .collection('users')
          .authRefresh()
          .catch(() => undefined)
      return answer?.reset_token
    },
  })
  const again = useMutation({ mutationFn: () => pb.collection('users').requestVerification(email) })
  const onward = <Anchor component={Link} to="/">{t(me ? 'auth.onward' : 'auth.backToSignIn')}</Anchor>
  if (verify.data) { // whoever chose the password before had not proved the address
    return (
      <GuestPage title={t('auth.verified')} text={t('auth.choosePassword')}>
        <Button component={Link} to="/reset" hash={`token=${verify.data}`} replace fullWidth size="md">
          {t('auth.newPassword')}
        </Button>
      </GuestPage>
    )
  }
  if (verify.isSuccess) {
    return (
      <GuestPage title={t('auth.verified')} footer={onward}>
        <Alert color="teal" variant="light" icon={<CircleCheck size={18} aria-hidden />} role="status">
          {t('auth.verifiedText')}
        </Alert>
      </GuestPage>
    )
  }
  const failure = verify.error ? problem(verify.error, t) : undefined
  if (!email || !mayWork(token) || failure?.status === 400) {
    return (
      <GuestPage title={t('auth.verify')} footer={onward}>
        {again.isSuccess
          ? <Alert color="teal" variant="light" role="status">{t('auth.sent.again', { email })}</Alert>
          : <DeadLink text={t('auth.linkGone')} />}
        <ProblemAlert problem={again.error ? problem(again.error, t) : undefined} />
        {email && !again.isSuccess && (
          <Button fullWidth size="md" loading={again.isPending} onClick={() => again.mutate()}>
            {t('auth.newLink')}
          </Button>
        )}
        {/* A link that names no address: the profile knows it. */}
        {!email && <Button component={Link} to="/me/security" fullWidth size="md">{t('auth.newLink')}</Button>}
      </GuestPage>
    )
  }
  return (
    <GuestPage title={t('auth.verify')} text={t('auth.verifyText', { email })} footer={onward}>
      <ProblemAlert problem={failure} />
      <Button loading={verify.isPending} fullWidth size="md" onClick={() => verify.mutate()}>{t('auth.verify')}</Button>
    </GuestPage>
  )
}
