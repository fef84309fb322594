import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { MailX, UserRoundCheck } from 'lucide-react'
import { ClientResponseError } from 'pocketbase'
import { NewPassword } from '../../components/NewPassword'
import { field } from '../../components/Field'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb, signOut } from '../../lib/pb'
import type { Role } from '../../lib/permissions'
import { queries } from '../../lib/queries'
import { useMe, type Me } from '../../lib/session'
import { NAME, PASSWORD } from '../limits'
import { useArrive } from './arrive'
import { GuestPage } from './GuestPage'
import { useLinkToken } from './token'
import { waitingOf } from './waiting'

interface Invitation {
  email: string
  fullName?: string
  companyName: string
  role: Role
  inviterName?: string
  /** The address has an account already: sign in to accept. */
  accountExists: boolean
}

interface Accepted {
  success: boolean
  organization?: string
  token?: string
  record?: Me
}

/** An invitation, opened from its link: who invites, to what, and the way in. */
export function AcceptPage() {
  const token = useLinkToken()
  return <Accept key={token} token={token} />
}

function Accept({ token }: { token: string }) {
  const t = useT()
  const me = useMe()
  const invitation = useQuery({
    queryKey: ['invitation', token],
    enabled: token !== '',
    retry: false,
    // The server counts how often an address asks: windows that come to the front again need not.
    staleTime: 60_000,
    queryFn: ({ signal }) => api.post<Invitation>('/api/auth/verify-invite', { token }, { signal }),
  })
  const back = <Anchor component={Link} to="/">{t(me ? 'auth.onward' : 'auth.backToSignIn')}</Anchor>
  const gone = (text: 'invite.unknownText' | 'invite.expiredText' | 'invite.partialText') => (
    <GuestPage title={t('invite.gone')} footer={back}>
      <Alert color="yellow" variant="light" icon={<MailX size={18} aria-hidden />}>{t(text)}</Alert>
      <Text size="sm">{t('invite.goneText')}</Text>
    </GuestPage>
  )
  if (token === '') return gone('invite.unknownText')
  if (invitation.isPending) return <GuestPage title={t('invite.title')}><SkeletonAfter200ms lines={6} /></GuestPage>
  if (invitation.error) {
    const { status } = problem(invitation.error, t)
    if (partial(invitation.error)) return gone('invite.partialText')
    // Gone, used, cancelled or mistyped: all of them end with asking for another one.
    if (status === 400 || status === 404 || status === 410)
      return gone(status === 404 ? 'invite.unknownText' : 'invite.expiredText')
    return (
      <GuestPage title={t('invite.title')} footer={back}>
        <ErrorState error={invitation.error} onRetry={() => void invitation.refetch()} />
      </GuestPage>
    )
  }
  const { companyName, role, inviterName, email, accountExists } = invitation.data
  return (
    <GuestPage
      title={t('invite.join', { organization: companyName })}
      footer={back}
      text={t(inviterName ? 'invite.by' : 'invite.text', {
        name: inviterName ?? '',
        organization: companyName,
        role: t(`roles.${role}`),
        email,
      })}
    >
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {t(`team.roleTexts.${role}`)}
        </Text>
        {me ? (
          me.email.toLowerCase() === email.toLowerCase() ? (
            <Join token={token} me={me} />
          ) : (
            <SomebodyElse me={me} email={email} />
          )
        ) : accountExists ? (
          <SignInFirst token={token} email={email} />
        ) : (
          <NewAccount token={token} invitation={invitation.data} />
        )}
      </Stack>
    </GuestPage>
  )
}

/** The link lost letters on the way; the invitation itself may be good. */
const partial = (error: unknown) => error instanceof ClientResponseError && error.response.code === 'link_incomplete'

function useOnward() {
  const navigate = useNavigate()
  return async (organization: string | undefined) => {
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'desk' && query.queryKey[0] !== 'invitation' })
    await (organization
      ? navigate({ to: '/o/$org', params: { org: organization }, replace: true })
      : navigate({ to: '/', replace: true }))
  }
}

function Join({ token, me }: { token: string; me: Me }) {
  const t = useT()
  const onward = useOnward()
  const join = useMutation({
    mutationFn: () => api.post<Accepted>('/api/auth/accept-invite', { token }),
    onSuccess: ({ organization }) => onward(organization),
  })
  return (
    <>
      <ProblemAlert problem={join.error ? problem(join.error, t) : undefined} />
      <Group gap="xs" wrap="nowrap">
        <UserRoundCheck size={18} aria-hidden />
        <Text size="sm" className="pl-wrap">
          {t('invite.asYou', { email: me.email })}
        </Text>
      </Group>
      <Button fullWidth size="md" loading={join.isPending} onClick={() => join.mutate()}>
        {t('invite.accept')}
      </Button>
    </>
  )
}

function SomebodyElse({ me, email }: { me: Me; email: string }) {
  const t = useT()
  return (
    <>
      <Alert color="yellow" variant="light" icon={<MailX size={18} aria-hidden />}>
        {t('invite.other', { email, mine: me.email })}
      </Alert>
      <Button variant="default" onClick={signOut}>
        {t('invite.signOut')}
      </Button>
    </>
  )
}

function SignInFirst({ token, email }: { token: string; email: string }) {
  const t = useT()
  return (
    <>
      <Text size="sm">{t('invite.known', { email })}</Text>
      <Button
        component={Link}
        to="/login"
        search={{ next: '/accept-invite' } as never}
        hash={`token=${token}`}
        fullWidth
        size="md"
      >
        {t('invite.signIn')}
      </Button>
    </>
  )
}

function NewAccount({ token, invitation }: { token: string; invitation: Invitation }) {
  const t = useT()
  const arrive = useArrive()
  const onward = useOnward()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { fullName: invitation.fullName ?? '', password: '' },
    validate: {
      fullName: (value) => (value.trim() ? null : t('errors.field.required')),
      password: (value) => (value.length >= PASSWORD.min ? null : t('auth.passwordRule', { count: PASSWORD.min })),
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    async ({ fullName, password }) => {
      const accepted = await api.post<Accepted>('/api/auth/accept-invite', {
        token,
        password,
        fullName: fullName.trim(),
      })
      if (accepted.token && accepted.record)
        return { token: accepted.token, record: accepted.record, organization: accepted.organization }
      try {
        return {
          ...(await pb.collection('users').authWithPassword<Me>(invitation.email, password)),
          organization: accepted.organization,
        }
      } catch (error) {
        // The account is there; a second factor, or anything else, is the sign-in page's matter.
        if (waitingOf(error) || accepted.success) return undefined
        throw error
      }
    },
    (answer) => {
      if (answer) void arrive(answer, answer.organization ? `/o/${answer.organization}` : '/')
      else void onward(undefined)
    },
  )
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ProblemAlert problem={failure} />
        {/* For password managers: people read the address above and cannot change it here. */}
        <input type="email" name="username" value={invitation.email} readOnly hidden autoComplete="username" />
        <TextInput
          label={t('profile.name')}
          autoComplete="name"
          autoFocus
          {...field(form, 'fullName', { required: true, ...NAME })}
        />
        <NewPassword
          label={t('auth.password')}
          visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
          {...field(form, 'password', { required: true, max: PASSWORD.max })}
        />
        <Button type="submit" loading={busy} fullWidth size="md">
          {t('invite.accept')}
        </Button>
      </Stack>
    </form>
  )
}
