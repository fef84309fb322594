import type { Query, QueryClient } from '@tanstack/react-query'
import { pb } from './pb'

/** One change on the organization's topic: what changed, never the content. */
interface Change {
  collection: string
  id?: string
}

/** The part of PocketBase's realtime client that is used; tests bring their own. */
export interface Realtime {
  subscribe(topic: string, listener: (data: unknown) => void): Promise<() => Promise<void>>
}

// Bursts (a call's end touches five collections) become one refetch.
const DEBOUNCE_MS = 250
// A browser opens six HTTP/1.1 connections to a host: hidden tabs must give theirs back, but not at every alt-tab.
const HIDDEN_GRACE_MS = 30_000
// After a refused or failed subscription, the next try.
const RETRY_MS = 5_000

// After rights changed, the next try: time for the shell to notice that there are none left.
const REJOIN_MS = 1_000

const CONNECT = 'PB_CONNECT'

// Of the six connections, four may be streams: two stay free, so that any number of open tabs still loads.
const STREAMS = 4

/** Permission to hold one stream; resolves to what gives it back. */
export type Slot = (signal: AbortSignal) => Promise<() => void>

/** One of four places shared by all tabs of this browser. Without the Locks API (plain HTTP, not localhost) nobody waits. */
export const browserSlot: Slot = async (signal) => {
  const { locks } = navigator
  if (!locks) return () => undefined
  const hold = (index: number, options: LockOptions) =>
    new Promise<(() => void) | undefined>((resolve, reject) => {
      locks.request(`pocketline.stream.${index}`, options, (lock) => {
        if (!lock) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      }).catch(reject)
    })
  for (let index = 0; index < STREAMS; index++) {
    // oxlint-disable-next-line no-await-in-loop -- one place after the other is the point
    const release = await hold(index, { ifAvailable: true })
    if (release) return release
  }
  return (await hold(Math.floor(Math.random() * STREAMS), { signal }))!
}

/** Reads the organization topic's message: `{collection, id}` or `{changes: [{collection, id}, …]}`. */
export function readChanges(data: unknown): Change[] {
  if (typeof data !== 'object' || data === null) return []
  const { changes } = data as { changes?: unknown }
  const list = Array.isArray(changes) ? changes : [data]
  return list.filter((c): c is Change => typeof (c as Change | null)?.collection === 'string')
}

/** "This topic is over for you": the last message of a topic whose right was lost. */
const isEnd = (data: unknown): boolean => (data as { ended?: unknown } | null)?.ended === true

/**
 * Keeps the queries of the organization on screen true. It listens while the page is shown, drops the connection 30 s
 * after it is hidden, and after every (re)connection asks again for what was asked for before it, because events sent meanwhile are lost.
 */
export class Live {
  private wanted = new Map<string, Set<(data: unknown) => void>>()
  private active = new Map<string, Promise<() => Promise<void>>>()
  private dirty = new Set<string>()
  private all = false
  private rights = false
  private organization: string | undefined
  private hideTimer: ReturnType<typeof setTimeout> | undefined
  private flushTimer: ReturnType<typeof setTimeout> | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private leave: (() => void) | undefined

  constructor(
    private readonly queries: QueryClient,
    private readonly realtime: Realtime = pb.realtime as Realtime,
    private readonly page: Document = document,
    private readonly slot: Slot = browserSlot,
  ) {
    this.paused = page.visibilityState === 'hidden'
    page.addEventListener('visibilitychange', this.onVisibility)
    window.addEventListener('online', this.onVisibility)
  }

  /** Follows one organization; undefined (signed out, or a page without one) follows none. */
  follow(organization: string | undefined): void {
    if (organization === this.organization) return
    this.leave?.()
    this.leave = undefined
    this.organization = organization
    this.dirty.clear()
    if (!organization) return
    const offTopic = this.listen(`org/${organization}`, this.onChange)
    const offConnect = this.listen(CONNECT, this.onConnect)
    this.leave = () => {
      offTopic()
      offConnect()
    }
  }

  /** Hears one topic (`call/<id>`) until the returned function is called. Survives hiding and reconnecting. */
  listen(topic: string, listener: (data: unknown) => void): () => void {
    const listeners = this.wanted.get(topic) ?? new Set()
    listeners.add(listener)
    this.wanted.set(topic, listeners)
    this.resume()
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0 || this.wanted.get(topic) !== listeners) return
      this.wanted.delete(topic)
      this.close(topic)
    }
  }

  /** Stops everything; for tests and for signing out. */
  stop(): void {
    this.follow(undefined)
    this.page.removeEventListener('visibilitychange', this.onVisibility)
    window.removeEventListener('online', this.onVisibility)
    clearTimeout(this.hideTimer)
    clearTimeout(this.flushTimer)
    clearTimeout(this.retryTimer)
    this.wanted.clear()
    this.suspend()
  }

  private paused: boolean
  private place: { release?: () => void; give: AbortController } | undefined

  /** Opens what is wanted, once this tab has a place. */
  private resume(): void {
    if (this.paused || this.wanted.size === 0) return
    if (this.place) {
      if (this.place.release) for (const topic of this.wanted.keys()) this.open(topic)
      return
    }
    const place: { release?: () => void; give: AbortController } = { give: new AbortController() }
    this.place = place
    this.slot(place.give.signal).then((release) => {
      if (place.give.signal.aborted) return release()
      place.release = release
      this.resume()
    }).catch(() => {
      // Given up while waiting: another `resume` asks again.
      if (this.place === place) this.place = undefined
    })
  }

  private suspend(): void {
    for (const topic of this.active.keys()) this.close(topic)
    this.place?.give.abort()
    this.place?.release?.()
    this.place = undefined
  }

  private open(topic: string): void {
    if (this.active.has(topic)) return
    const deliver = (data: unknown) => {
      for (const listener of this.wanted.get(topic) ?? []) listener(data)
    }
    const off = this.realtime.subscribe(topic, deliver)
    this.active.set(topic, off)
    off.catch(() => {
      if (this.active.get(topic) === off) this.active.delete(topic)
      clearTimeout(this.retryTimer)
      this.retryTimer = setTimeout(() => this.resume(), RETRY_MS)
    })
  }

  private close(topic: string): void {
    const off = this.active.get(topic)
    this.active.delete(topic)
    // A connection that is already gone has nothing to unsubscribe from.
    off?.then((unsubscribe) => unsubscribe()).catch(() => undefined)
  }

  private onVisibility = (): void => {
    clearTimeout(this.hideTimer)
    if (this.page.visibilityState === 'hidden') {
      this.hideTimer = setTimeout(() => {
        this.paused = true
        this.suspend()
      }, HIDDEN_GRACE_MS)
      return
    }
    this.paused = false
    this.resume()
  }

  private connected = false

  // What may have missed a change: asked for before the connection stood.
  private earlier = new Set<Query>()

  private onConnect = (): void => {
    // Rights may have changed while nobody listened; the first connection comes right after they were asked for.
    if (this.connected) this.rights = true
    this.connected = true
    // The topics are in force by now: what a page asks for from here on hears of every later change.
    for (const query of this.queries.getQueryCache().findAll({ queryKey: [this.organization] })) {
      if (query.state.fetchStatus !== 'idle' || query.state.status !== 'pending') this.earlier.add(query)
    }
    this.schedule()
  }

  private onChange = (data: unknown): void => {
    if (isEnd(data)) return this.onEnd()
    for (const change of readChanges(data)) this.dirty.add(change.collection)
    this.schedule()
  }

  /** The server closed the organization's topic for this person: a membership ended, or its rights are others now. */
  private onEnd(): void {
    const topic = `org/${this.organization}`
    this.close(topic)
    this.rights = true
    this.all = true
    this.flush()
    // With other rights the topic opens again; without any the server refuses, and the shell stops following.
    clearTimeout(this.retryTimer)
    this.retryTimer = setTimeout(() => this.resume(), REJOIN_MS)
  }

  private schedule(): void {
    // The first change of a burst starts the clock; a steady stream must not postpone the refetch for ever.
    this.flushTimer ??= setTimeout(this.flush, DEBOUNCE_MS)
  }

  private flush = (): void => {
    clearTimeout(this.flushTimer)
    this.flushTimer = undefined
    const { organization, all, rights, earlier } = this
    this.rights = false
    this.earlier = new Set()
    const changed = new Set(this.dirty)
    this.dirty.clear()
    this.all = false
    const rest = () => void this.refetch(organization, (query, collection) => all || earlier.has(query) || changed.has(collection))
    const quiet = !organization || (!all && changed.size === 0 && earlier.size === 0)
    if (!rights) return quiet ? undefined : rest()
    // First whether the person may still see the rest: what is closed by now is not asked for, see `follow`.
    const again = this.queries.invalidateQueries({ queryKey: ['me'] })
    if (!quiet) void again.finally(() => setTimeout(rest))
  }

  /** Asks again for an organization's queries, unless another one is followed by now. */
  private refetch(organization: string | undefined, concerned: (query: Query, collection: string) => boolean): void {
    if (organization !== this.organization) return
    void this.queries.invalidateQueries({
      predicate: (query) => {
        const { queryKey: [owner, collection], meta } = query
        if (owner !== organization) return false
        if (concerned(query, String(collection))) return true
        return Array.isArray(meta?.collections) && meta.collections.some((c) => concerned(query, String(c)))
      },
    })
  }
}
