import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Live, readChanges, type Slot } from './live'

/** A realtime client that remembers who listens. */
class Server {
  topics = new Map<string, (data: unknown) => void>()
  refuse = 0
  subscribe = async (topic: string, listener: (data: unknown) => void) => {
    if (this.refuse-- > 0) throw new Error('refused')
    this.topics.set(topic, listener)
    return async () => {
      if (this.topics.get(topic) === listener) this.topics.delete(topic)
    }
  }
  send(topic: string, data: unknown = {}) {
    this.topics.get(topic)?.(data)
  }
}

let shown: DocumentVisibilityState
let server: Server
let live: Live
let stale: string[]
let queries: QueryClient
let free: Slot

function show(state: DocumentVisibilityState) {
  shown = state
  document.dispatchEvent(new Event('visibilitychange'))
}
const ask = (key: string) => queries.getQueryCache().build(queries, { queryKey: ['o1', key], queryFn: () => key })
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

beforeEach(async () => {
  vi.useFakeTimers()
  shown = 'visible'
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => shown)
  server = new Server()
  queries = new QueryClient()
  stale = []
  for (const [key, collections] of [[['o1', 'calls', 'list']], [['o1', 'assistants', 'list']], [['o1', 'dashboard'], ['calls']], [['o2', 'calls', 'list']], [['me', 'memberships']]] as [string[], string[]?][]) {
    queries.getQueryCache().build(queries, { queryKey: key, meta: { collections } }).setData({})
  }
  vi.spyOn(queries, 'invalidateQueries').mockImplementation(async (filters) => {
    stale.push(queries.getQueryCache().findAll(filters as never).map((q) => q.queryKey.join('/')).sort().join(' '))
  })
  free = async () => () => undefined
  live = new Live(queries, server, document, (signal) => free(signal))
  live.follow('o1')
  await settle()
})
afterEach(() => {
  live.stop()
  vi.useRealTimers()
})

describe('Live', () => {
  test('the end of the topic asks for the rights at once, and opens it again', async () => {
    server.send('org/o1', { ended: true })
    // The rights first: what is closed by now is not asked for.
    expect(stale).toEqual(['me/memberships'])
    await settle(1)
    expect(stale.join(' ')).toContain('o1/calls/list')
    expect(stale.join(' ')).not.toContain('o2/')
    await settle(1_000)
    stale = []
    server.send('org/o1', { collection: 'calls', id: 'c1' })
    await settle(250)
    expect(stale).toEqual(['o1/calls/list o1/dashboard'])
  })

  test('an organization that is left with the rights is not asked for', async () => {
    server.send('org/o1', { ended: true })
    live.follow(undefined)
    await settle(1)
    expect(stale).toEqual(['me/memberships'])
  })

  test('a second connection asks for the rights too', async () => {
    server.send('PB_CONNECT')
    await settle(250)
    expect(stale.join(' ')).not.toContain('me/memberships')
    server.send('PB_CONNECT')
    await settle(250)
    expect(stale.join(' ')).toContain('me/memberships')
  })

  test('a burst of changes asks once, for what changed and what depends on it', async () => {
    server.send('org/o1', { collection: 'calls', id: 'c1' })
    await settle(200)
    server.send('org/o1', { changes: [{ collection: 'calls', id: 'c2' }] })
    expect(stale).toEqual([])
    await settle(60)
    expect(stale).toEqual(['o1/calls/list o1/dashboard'])
  })

  test('a steady stream does not postpone the refetch for ever', async () => {
    for (let i = 0; i < 10; i++) {
      server.send('org/o1', { collection: 'calls' })
      await settle(100)
    }
    expect(stale.length).toBeGreaterThanOrEqual(3)
  })

  test('a new connection asks again for everything of the organization', async () => {
    server.send('PB_CONNECT')
    await settle(250)
    expect(stale).toEqual(['o1/assistants/list o1/calls/list o1/dashboard'])
  })

  test('what a page asks for once the connection stands is not asked for again', async () => {
    const before = ask('asked-before').fetch()
    ask('not-asked-yet')
    server.send('PB_CONNECT')
    await ask('not-asked-yet').fetch()
    await ask('calls-list').fetch()
    await before
    await settle(250)
    expect(stale).toEqual(['o1/asked-before o1/assistants/list o1/calls/list o1/dashboard'])
  })

  test('a connection after a break asks again for the list of calls', async () => {
    server.send('PB_CONNECT')
    await ask('calls-list').fetch()
    await settle(250)
    stale = []
    server.send('PB_CONNECT')
    await settle(251)
    expect(stale.join(' ')).toContain('o1/calls-list')
  })

  test('a hidden page keeps its connection for 30 s, then drops it, and takes it again when shown', async () => {
    show('hidden')
    await settle(29_000)
    expect([...server.topics.keys()]).toEqual(['org/o1', 'PB_CONNECT'])
    await settle(1_000)
    expect(server.topics.size).toBe(0)
    show('visible')
    await settle()
    expect([...server.topics.keys()]).toEqual(['org/o1', 'PB_CONNECT'])
  })

  test('a short absence changes nothing', async () => {
    show('hidden')
    await settle(10_000)
    show('visible')
    await settle(60_000)
    expect(server.topics.size).toBe(2)
  })

  test('following another organization leaves the first', async () => {
    live.follow('o2')
    await settle()
    expect([...server.topics.keys()].sort()).toEqual(['PB_CONNECT', 'org/o2'])
    server.send('org/o2', { collection: 'calls' })
    await settle(250)
    expect(stale).toEqual(['o2/calls/list'])
  })

  test('a call’s topic hands its lines over and survives hiding', async () => {
    const lines: unknown[] = []
    const off = live.listen('call/c1', (line) => lines.push(line))
    await settle()
    server.send('call/c1', 'one')
    show('hidden')
    await settle(30_000)
    show('visible')
    await settle()
    server.send('call/c1', 'two')
    off()
    await settle()
    server.send('call/c1', 'three')
    expect(lines).toEqual(['one', 'two'])
  })

  test('a refused subscription is tried again', async () => {
    server.refuse = 1
    live.listen('call/c9', () => undefined)
    await settle(4_000)
    expect(server.topics.has('call/c9')).toBe(false)
    await settle(2_000)
    expect(server.topics.has('call/c9')).toBe(true)
  })

  test('without a free place it waits, and gives up waiting when hidden', async () => {
    live.stop()
    let grant: (() => void) | undefined
    const given = vi.fn()
    free = (signal) => new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
      grant = () => resolve(given)
    })
    live = new Live(new QueryClient(), server, document, (signal) => free(signal))
    live.follow('o1')
    await settle()
    expect(server.topics.size).toBe(0)
    show('hidden')
    await settle(30_000)
    show('visible')
    await settle()
    grant?.()
    await settle()
    expect(server.topics.size).toBe(2)
    show('hidden')
    await settle(30_000)
    expect(given).toHaveBeenCalledTimes(1)
  })
})

test('readChanges ignores what it does not know', () => {
  expect([readChanges(null), readChanges('x'), readChanges({}), readChanges({ changes: [1, null, { id: 'x' }] })]).toEqual([[], [], [], []])
})
