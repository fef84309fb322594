import { Anchor, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useMe, type Membership } from '../../lib/session'
import { ClientResponseError } from 'pocketbase'
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
  const why = useQuery({ queryKey: ['outside', org], enabled: possible, retry: false, gcTime: 0, queryFn: ({ signal }) => api.get(`/api/organizations/${org}/open`, { signal }) })
  const me = useMe()?.id ?? ''
  const gone = why.error instanceof ClientResponseError && why.error.status === 404
  const paused = useQuery({ queryKey: ['outside', org, 'suspended'], enabled: gone && me !== '', retry: false, gcTime: 0, queryFn: ({ signal }) => suspendedIn(org, me, signal) })
  if (!possible) return <Missing />
  if (why.isPending || paused.isLoading) return <SkeletonAfter200ms />
  if (paused.data) return <Forbidden level={1} title={t('team.paused.title')} cause={t('team.paused.cause')} />
  if (!(why.error instanceof ClientResponseError) || why.error.status !== 403) return <Missing />
  return (
    <>
      <ErrorState error={why.error} level={1} />
      <Group justify="center"><Anchor component={Link} to="/me/security">{t('profile.factor.go')}</Anchor></Group>
    </>
  )
}
