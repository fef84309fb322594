import { useQueryClient } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { Suspense, useEffect } from 'react'
import { api } from '../lib/api'
import { lazily } from '../lib/code'
import { withWords } from '../lib/i18n'
import { useHere, useOrg } from '../lib/session'

const Outside = lazily(async () => (await withWords('people', () => import('./me/Outside'))()).Outside)

// Organizations this page has told the server about: "last here" and the next sign-in's first page follow it.
const told = new Set<string>()

/** The pages of one organization, for its members; for anybody else it does not exist. */
export function OrgPages() {
  const org = useOrg()
  const queries = useQueryClient()
  const { place } = useHere()
  const member = place !== undefined
  useEffect(() => {
    if (!member) {
      // Who was a member a moment ago keeps nothing of it in this page.
      queries.removeQueries({ queryKey: [org] })
      return
    }
    if (told.has(org)) return
    api
      .post('/api/organizations/select', { companyId: org })
      .then(() => told.add(org))
      .catch((error: unknown) => {
        // Kept out, or no member any more; any other failure changes nothing on screen.
        if ((error as { status?: number }).status === 403)
          void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
      })
  }, [member, org, queries])
  return member ? <Outlet /> : <Suspense><Outside key={org} org={org} /></Suspense>
}
