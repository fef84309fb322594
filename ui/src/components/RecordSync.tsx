import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api } from '../lib/api'
import { problem } from '../lib/errors'
import { useT } from '../lib/i18n'
import { useSaid } from '../lib/said'
import { useOrg } from '../lib/session'
import { SyncChip, type SyncStatus } from './SyncChip'
import { failed } from './toast'

/** How the server begins to say that a copy is left alone until the operator confirms a restore. */
export const HELD = 'This database was restored from a backup'

/** The sync chip of a record; whoever may change the record may have its copy made equal now. */
export function RecordSync({ collection, row, canRetry, provider = 'Vapi' }: {
  collection: string
  row: { id: string; sync_status: SyncStatus | ''; sync_error: string }
  canRetry: boolean
  provider?: string
}) {
  const t = useT()
  const say = useSaid()
  const org = useOrg()
  const queries = useQueryClient()
  const retry = useMutation({
    mutationFn: () => api.post(`/api/sync/${collection}/${row.id}/retry`),
    onSettled: () => queries.invalidateQueries({ queryKey: [org, collection] }),
    onError: (error) => failed(problem(error, t)),
  })
  // A record without a copy at the provider has nothing to say here.
  if (row.sync_status === '') return null
  const held = row.sync_error.startsWith(HELD)
  return (
    <SyncChip
      status={row.sync_status}
      provider={provider}
      reason={say(row.sync_error)}
      held={held}
      retrying={retry.isPending}
      {...(canRetry && !held && { onRetry: () => retry.mutate() })}
    />
  )
}
