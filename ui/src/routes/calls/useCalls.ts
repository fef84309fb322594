import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { readChanges } from '../../lib/live'
import { useTopic } from '../../lib/queries'
import { callsQuery, firstPage } from './data'
import { mergeHead } from './head'

// So many pages are asked for again as a whole: then rows that left the list leave it here too. Beyond, a busy desk would
// cause that many requests at every change.
const WHOLE = 2
// A call's beginning and end touch it several times.
const DEBOUNCE_MS = 250

/** The list of calls, kept true while it is on screen. After a lost connection all of it is asked for again. */
export function useCalls(organization: string, query: Record<string, string>, enabled: boolean) {
  const queries = useQueryClient()
  const rows = useInfiniteQuery({ ...callsQuery(organization, query), enabled })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const { queryKey } = callsQuery(organization, query)
  const renew = async () => {
    timer.current = undefined
    const pages = queries.getQueryData(queryKey)?.pages.length ?? 0
    if (pages <= WHOLE) return rows.refetch()
    const head = await firstPage(organization, query, new AbortController().signal)
    queries.setQueryData(queryKey, (old) => old && { ...old, pages: mergeHead(old.pages, head) })
  }
  useTopic(enabled ? `org/${organization}` : undefined, (data) => {
    if (!readChanges(data).some((change) => change.collection === 'calls')) return
    // A head that does not come is brought by the next change; the list says nothing wrong meanwhile.
    timer.current ??= setTimeout(() => void renew().catch(() => undefined), DEBOUNCE_MS)
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  return rows
}
