// The main job through PocketBase's own JavaScript SDK, against a running server with the sandbox:
//   BASE_URL=… E2E_EMAIL=… E2E_PASSWORD=… E2E_OPERATOR=… E2E_OPERATOR_PASSWORD=… node ui/e2e/sdk.mjs
// The operator makes a second organization whose owner must see nothing of the first.
import assert from 'node:assert/strict'
import PocketBase from 'pocketbase'

const base = process.env.BASE_URL
const PATIENCE_MS = 120_000

/** What browsers have and Node 20 lacks: just enough of EventSource for the SDK. */
class EventSource {
  #handlers = new Map()
  #stop = new AbortController()
  constructor(url) {
    this.#read(url).catch((error) => { if (!this.#stop.signal.aborted) this.onerror?.(error) })
  }
  addEventListener(name, handler) {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler])
  }
  removeEventListener(name, handler) {
    this.#handlers.set(name, (this.#handlers.get(name) ?? []).filter((h) => h !== handler))
  }
  close() { this.#stop.abort() }
  async #read(url) {
    const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal: this.#stop.signal })
    assert.equal(response.status, 200)
    let buffer = ''
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (buffer + chunk).split('\n\n')
      buffer = events.pop()
      for (const event of events) {
        const fields = Object.fromEntries(event.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trim()]))
        for (const handler of this.#handlers.get(fields.event) ?? []) handler({ data: fields.data, lastEventId: fields.id })
      }
    }
    throw new Error('the stream ended')
  }
}
globalThis.EventSource ??= EventSource

function client() {
  const pb = new PocketBase(base)
  pb.autoCancellation(false)
  return pb
}

/** Waits until `holds` says so; looked at when something was heard, and now and then. */
async function until(what, holds) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const value = await holds()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function outsider() {
  const operator = client()
  await operator.collection('_superusers').authWithPassword(process.env.E2E_OPERATOR, process.env.E2E_OPERATOR_PASSWORD)
  const password = 'nothing-to-see-here'
  const email = `outsider-${Date.now()}@elsewhere.test`
  const user = await operator.collection('users').create({ email, password, passwordConfirm: password, name: 'Otis Outsider', verified: true, is_active: true })
  const organization = await operator.collection('organizations').create({ name: 'Elsewhere', status: 'active', timezone: 'UTC', language: 'en', plan: 'free', balance_state: 'ok', currency: 'USD' })
  await operator.collection('memberships').create({ organization: organization.id, user: user.id, role: 'owner', status: 'active', is_default: true, email, full_name: user.name })
  const pb = client()
  await pb.collection('users').authWithPassword(email, password)
  return pb
}

const pb = client()
await assert.rejects(pb.collection('users').authWithPassword(process.env.E2E_EMAIL, 'not the password'), (e) => e.status === 400)
const { record: me } = await pb.collection('users').authWithPassword(process.env.E2E_EMAIL, process.env.E2E_PASSWORD)
assert.equal(me.email, process.env.E2E_EMAIL)

const membership = await pb.collection('memberships').getFirstListItem(pb.filter('user = {:id}', { id: me.id }), { expand: 'organization' })
const org = membership.organization
assert.equal(membership.expand.organization.name, 'Marlow Dental')
const number = await pb.collection('phone_numbers').getFirstListItem(pb.filter('assistant.language = {:l}', { l: 'en' }), { expand: 'assistant' })
assert.equal(number.expand.assistant.name, 'Front desk')

// Subscribe first, then let somebody ring.
const heard = { calls: [], messages: [], changes: [], foreign: [] }
await pb.collection('calls').subscribe('*', (e) => heard.calls.push(e), { filter: 'is_test = false' })
await pb.collection('messages').subscribe('*', (e) => heard.messages.push(e))
await pb.realtime.subscribe(`org/${org}`, (e) => heard.changes.push(e))
const stranger = await outsider()
await stranger.collection('calls').subscribe('*', (e) => heard.foreign.push(e))
await stranger.collection('messages').subscribe('*', (e) => heard.foreign.push(e))
// Refusing and passing over are both right; hearing something is not.
const refused = await stranger.realtime.subscribe(`org/${org}`, (e) => heard.foreign.push(e)).then(() => false, (e) => e.status)

const { vapi_call_id: vapiID } = await pb.send('/api/simulate', { method: 'POST', body: { phone_number: number.id, script: 'booking', language: 'en' } })
const ofCall = (e) => e.record.vapi_call_id === vapiID
await until('the call to appear', () => heard.calls.some((e) => e.action === 'create' && ofCall(e)))
await until('the call to be completed', () => heard.calls.some((e) => ofCall(e) && e.record.status === 'completed'))
const call = await until('the report', () =>
  pb.collection('calls').getFirstListItem(pb.filter('vapi_call_id = {:id} && reported_at != ""', { id: vapiID }), { expand: 'contact,assistant,phone_number' }).catch(() => null))

const lines = await pb.collection('messages').getFullList({ filter: pb.filter('call = {:id}', { id: call.id }), sort: 'position' })
assert.equal(lines.length, 7)
// Who only follows the records ends with the same lines: none missing, none left from while it was live.
const followed = () => {
  const kept = new Map()
  for (const { action, record } of heard.messages) {
    if (record.call !== call.id) continue
    if (action === 'delete') kept.delete(record.id)
    else if (!(kept.get(record.id)?.updated > record.updated)) kept.set(record.id, record) // news may overtake each other
  }
  return [...kept.values()].sort((a, b) => a.position - b.position).map((l) => l.content)
}
await until('the lines that were followed to be the stored ones', () => followed().join('|') === lines.map((l) => l.content).join('|'))
await until('a hint about the call', () => heard.changes.some((e) => e.collection === 'calls' && e.ids.includes(call.id)))
assert.ok(heard.changes.every((e) => Object.keys(e).sort().join() === 'collection,ids'), 'hints say what changed, never the content')

// Lists: filter, sort, expand, and only what was asked for.
assert.equal(call.expand.contact.phone_number, '+14155550142')
assert.equal(call.expand.assistant.id, number.assistant)
assert.equal(call.expand.phone_number.id, number.id)
assert.ok(!('control_url' in call) && !('listen_url' in call), 'hidden columns stay hidden')
const page = await pb.collection('calls').getList(1, 10, { sort: '-started_at', filter: 'status = "completed"', fields: 'id,started_at' })
assert.equal(page.items.length, 10)
assert.deepEqual(page.items.map((c) => c.started_at), page.items.map((c) => c.started_at).toSorted().toReversed())
assert.deepEqual(Object.keys(page.items[0]).sort(), ['id', 'started_at'])
await assert.rejects(pb.collection('calls').getList(1, 10, { filter: 'control_url != ""' }), (e) => e.status === 400)

// The stranger: nothing by list, nothing by id, nothing by expand, nothing live.
for (const collection of ['calls', 'messages', 'call_events', 'call_reports', 'recordings', 'contacts', 'usage_events', 'assistants', 'phone_numbers']) {
  assert.deepEqual((await stranger.collection(collection).getList(1, 5)).items, [], `${collection} shows rows to a stranger`)
  assert.deepEqual((await stranger.collection(collection).getList(1, 5, { filter: `organization = "${org}"` })).items, [])
}
await assert.rejects(stranger.collection('calls').getOne(call.id), (e) => e.status === 404)
await assert.rejects(stranger.send('/api/simulate', { method: 'POST', body: { phone_number: number.id } }), (e) => e.status === 404)
const guest = client()
assert.deepEqual((await guest.collection('calls').getList(1, 5)).items, [])
assert.deepEqual(heard.foreign, [], 'a stranger heard something')

await Promise.all([pb, stranger].map((c) => c.realtime.unsubscribe()))
console.log(`the SDK saw ${heard.calls.filter(ofCall).length} changes of the call, ${heard.messages.length} lines and ${heard.changes.length} hints; the stranger's topic was ${refused ? `refused with ${refused}` : 'passed over'}`)
process.exit(0)
