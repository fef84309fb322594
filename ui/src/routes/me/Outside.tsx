import { Anchor, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { api } from '../../lib/api'
import { useT } from '../../lib/i18n'
import { ClientResponseError } from 'pocketbase'
import { Missing } from '../../shell/Root'

/** In front of an organization that does not open: to a stranger it does not exist; a member whom its security settings keep out is told why. */
export function Outside({ org }: { org: string }) {
  const t = useT()
  // What no organization can be called is not asked for: the answer is known.
  const possible = /^[a-z0-9]{15}$/.test(org)
  const why = useQuery({ queryKey: ['outside', org], enabled: possible, retry: false, gcTime: 0, queryFn: ({ signal }) => api.get(`/api/organizations/${org}/open`, { signal }) })
  if (!possible) return <Missing />
  if (why.isPending) return <SkeletonAfter200ms />
  if (!(why.error instanceof ClientResponseError) || why.error.status !== 403) return <Missing />
  return (
    <>
      <ErrorState error={why.error} level={1} />
      <Group justify="center"><Anchor component={Link} to="/me/security">{t('profile.factor.go')}</Anchor></Group>
    </>
  )
}
