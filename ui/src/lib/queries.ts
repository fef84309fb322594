import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { ClientResponseError } from 'pocketbase'
import { useEffect, useEffectEvent } from 'react'
import { Live } from './live'
import { pb, sessionEnded } from './pb'
import { isReachable, look, onReach, setReachable } from './reach'
import { saysClosed } from './session'

function onError(error: unknown): void {
  if (!(error instanceof ClientResponseError) || error.isAbort) return
  if (error.status === 0) setReachable(false)
  // A network was left, or a factor is asked for since: the frame and its menu are asked for anew, and show what is left.
  if (saysClosed(error)) void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
  if (error.status === 401 && pb.authStore.token) sessionEnded()
}
const onSuccess = () => setReachable(true)

function worthRetrying(failures: number, error: unknown): boolean {
  if (failures >= 2 || !(error instanceof ClientResponseError) || error.isAbort) return false
  return error.status === 0 || error.status === 502 || error.status === 503
}

export const queries = new QueryClient({
  queryCache: new QueryCache({ onError, onSuccess }),
  mutationCache: new MutationCache({ onError, onSuccess }),
  defaultOptions: {
    queries: { retry: worthRetrying, staleTime: 30_000, gcTime: 10 * 60_000, networkMode: 'always' },
    mutations: { retry: false, networkMode: 'always' },
  },
})

/** The page's one listener for changes made elsewhere. */
export const live = new Live(queries)

/** Hears a realtime topic while the component is mounted: `call/<id>` for a running call. Undefined hears nothing. */
export function useTopic(topic: string | undefined, listener: (data: unknown) => void): void {
  const hear = useEffectEvent(listener)
  useEffect(() => (topic ? live.listen(topic, (data) => hear(data)) : undefined), [topic])
}

// A stream that broke is the first sign of a server that went away; one that was given back is none.
pb.realtime.onDisconnect = (topics) => {
  if (topics.length > 0) void look()
}

// What failed meanwhile is asked for again once the server is back; so is the server's version.
onReach(() => {
  if (!isReachable()) return
  void queries.invalidateQueries({ predicate: ({ queryKey, state }) => queryKey[0] === 'desk' || state.status === 'error' })
})
