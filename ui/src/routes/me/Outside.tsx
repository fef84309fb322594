import { Button, Group } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { KeyRound, LogIn, RotateCw } from 'lucide-react'
import { ClientResponseError } from 'pocketbase'
import { useEffect } from 'react'
import { ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { useT } from '../../lib/i18n'
import { pb, signOut } from '../../lib/pb'
import { openQuery, useMe, whyClosed, type Membership } from '../../lib/session'
import { Missing } from '../../shell/Root'

/** Whether the person belongs to it and somebody paused that: their own rows stay readable. */
async function suspendedIn(org: string, me: string, signal: AbortSignal): Promise<boolean> {
  const filter = pb.filter('user = {:me} && organization = {:org}', { me, org })
  const { items } = await pb.collection('memberships').getList<Membership>(1, 1, { filter, skipTotal: true, signal })
  return items[0]?.status === 'suspended'
}

/** In front of an organization that does not open: to a stranger it does not exist; a member who is suspended, or whom its security settings keep out, is told why. */
export function Outside({ org }: { org: string }) {
  const t = useT()
  // What no organization can be called is not asked for: the answer is known.
  const possible = /^[a-z0-9]{15}$/.test(org)
  const why = useQuery({ ...openQuery(org), enabled: possible })
  const person = useMe()
  const me = person?.id ?? ''
  const queries = useQueryClient()
  // It opened meanwhile: the second factor is there, or the person came back to the right network.
  const opened = why.isSuccess
  useEffect(() => {
    if (opened) void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
  }, [opened, queries])
  const gone = why.error instanceof ClientResponseError && why.error.status === 404
  const paused = useQuery({ queryKey: ['outside', org, 'suspended'], enabled: gone && me !== '', retry: false, gcTime: 0, queryFn: ({ signal }) => suspendedIn(org, me, signal) })
  if (!possible) return <Missing />
  if (why.isPending || paused.isLoading) return <SkeletonAfter200ms />
  if (paused.data) return <Forbidden level={1} title={t('team.paused.title')} cause={t('team.paused.cause')} />
  if (!(why.error instanceof ClientResponseError) || why.error.status !== 403) return <Missing />
  const asks = whyClosed(why.error)
  const again = <Button variant="default" leftSection={<RotateCw size={16} aria-hidden />} loading={why.isFetching} onClick={() => void why.refetch()}>{t('states.retry')}</Button>
  if (!asks) return <ErrorState error={why.error} level={1} onRetry={() => void why.refetch()} />
  return (
    <>
      <Forbidden level={1} title={t('shell.closed')} cause={t(`closed.${asks}`)} />
      <Group justify="center" gap="xs" mt={-40}>
        {asks === 'foreign_network' ? again
          : asks === 'other_sign_in' || person?.two_factor ? <Button leftSection={<LogIn size={16} aria-hidden />} onClick={signOut}>{t('closed.signInAgain')}</Button>
            : <Button component={Link} to="/me/security" leftSection={<KeyRound size={16} aria-hidden />}>{t('factor.setUp')}</Button>}
      </Group>
    </>
  )
}
