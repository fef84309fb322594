import { useSyncExternalStore } from 'react'

// While the server is away it is looked for this often, and one look lasts no longer than that.
const AGAIN_MS = 3_000
const LONGEST_MS = 5_000

// A laptop can be online while the server is away: only an answer says that it is there.
let reachable = true
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

export function setReachable(next: boolean): void {
  clearTimeout(timer)
  if (!next) timer = setTimeout(() => void look(), AGAIN_MS)
  if (next === reachable) return
  reachable = next
  for (const listener of listeners) listener()
}

/** Asks the server whether it is there, now. Never fails. A proxy that cannot reach it answers in its place. */
export async function look(): Promise<boolean> {
  const answer = await fetch('/api/desk', { cache: 'no-store', signal: AbortSignal.timeout(LONGEST_MS) }).catch(() => undefined)
  const there = answer !== undefined && ![502, 503, 504].includes(answer.status)
  setReachable(there)
  return there
}

/** Whether the server could be reached when it was last tried. */
export const isReachable = (): boolean => reachable

/** Calls back when the server goes away and when it is there again, until the returned function is called. */
export function onReach(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useReachable(): boolean {
  return useSyncExternalStore(onReach, isReachable)
}

/** Looks as soon as the browser says that its network went or came. */
export function watchNetwork(): void {
  window.addEventListener('offline', () => void look())
  window.addEventListener('online', () => void look())
}
