import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { KeyRound, LogIn, RotateCw } from 'lucide-react'
import { useEffect } from 'react'
import { ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { useT } from '../../lib/i18n'
import { signOut } from '../../lib/pb'
import { keys, remember } from '../../lib/prefs'
import { placesQuery, useMe } from '../../lib/session'
import { NoOrganization } from '../../shell/Root'

/**
 * In front of an organization that does not open: to a stranger it does not exist; a member who is suspended, or whom its security
 * settings keep out, is told why. The own memberships say all of that: nothing is asked for that would be refused.
 */
export function Outside({ org }: { org: string }) {
  const t = useT()
  const me = useMe()
  // Asked anew: the second factor may be there by now, or the person back in the right network.
  const places = useQuery({ ...placesQuery(me?.id ?? ''), enabled: me !== null, refetchOnMount: 'always' })
  const here = (m: { organization: string }) => m.organization === org
  const kept = places.data?.closed.find(here)
  // The next visit's first requests leave its pages out.
  useEffect(() => {
    if (kept) remember(keys.unheard, org)
  }, [kept, org])
  if (places.isPending) return <SkeletonAfter200ms />
  if (places.error && !places.data)
    return <ErrorState error={places.error} level={1} onRetry={() => void places.refetch()} />
  if (places.data.paused.some(here))
    return <Forbidden level={1} title={t('team.paused.title')} cause={t('team.paused.cause')} />
  if (!kept?.closed) return places.isFetching ? <SkeletonAfter200ms /> : <NoOrganization />
  return (
    <>
      <Forbidden level={1} title={t('shell.closed')} cause={t(`closed.${kept.closed}`)} />
      <Group justify="center" gap="xs" mt={-40}>
        {kept.closed === 'foreign_network' ? (
          <Button
            variant="default"
            leftSection={<RotateCw size={16} aria-hidden />}
            loading={places.isFetching}
            onClick={() => void places.refetch()}
          >
            {t('states.retry')}
          </Button>
        ) : kept.closed === 'other_sign_in' || me?.two_factor ? (
          <Button leftSection={<LogIn size={16} aria-hidden />} onClick={signOut}>
            {t('closed.signInAgain')}
          </Button>
        ) : (
          <Button component={Link} to="/me/security" leftSection={<KeyRound size={16} aria-hidden />}>
            {t('factor.setUp')}
          </Button>
        )}
      </Group>
    </>
  )
}
