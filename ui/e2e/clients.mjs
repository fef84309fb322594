// The clients of the two old systems and of the provider, as npm has them, against a running server with the sandbox; no browser:
//   BASE_URL=… E2E_EMAIL=… E2E_PASSWORD=… E2E_SANDBOX="<address> <key>" node e2e/clients.mjs [supabase] [pocketbase] [vapi]
// Only the address differs from what their users write.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'
import { VapiClient } from '@vapi-ai/server-sdk'
import PocketBase from 'pocketbase'

const { BASE_URL: base, E2E_EMAIL: email, E2E_PASSWORD: password } = process.env

/** What supabase-js must not open here: the suite uses no realtime of it, and Node 20 has no WebSocket. */
function NoSocket() {}

function supabaseClient(options = {}) {
  return createClient(base, 'any-key', {
    auth: { persistSession: false, autoRefreshToken: false, ...options }, realtime: { transport: NoSocket },
  })
}

/** The answer of a call that must succeed. */
function right({ data, error }) {
  assert.equal(error, null, error && `${error.message} ${JSON.stringify(error)}`)
  return data
}

async function supabase() {
  const old = supabaseClient()
  const wrong = await old.auth.signInWithPassword({ email, password: 'not the password' })
  assert.equal(wrong.error.code, 'invalid_credentials')
  assert.equal(wrong.error.status, 400)
  const { session, user } = right(await old.auth.signInWithPassword({ email, password }))
  assert.deepEqual([user.email, user.role, session.token_type], [email, 'admin', 'bearer'])
  assert.ok(user.organization_id && user.last_sign_in_at && user.name)
  assert.equal(right(await old.auth.getUser()).user.id, user.id)

  // The functions, called as the old pages call them.
  const invoke = async (name, options) => right(await old.functions.invoke(name, options))
  const list = await invoke('assistants?page=1&limit=1', { method: 'GET' })
  assert.equal(list.success, true)
  assert.equal(list.pagination.has_more, list.pagination.total > 1)
  const made = await invoke('assistants', {
    body: { name: 'Accueil', language: 'fr-FR', firstMessage: 'Bonjour !', instructions: 'Tu réponds au téléphone.', mood: 'gay' },
  })
  assert.deepEqual([made.data.language, made.data.firstMessage, made.data.instructions], ['fr', 'Bonjour !', 'Tu réponds au téléphone.'])
  assert.match(made.warnings.join(), /mood/)
  const changed = await invoke(`assistants/${made.data.id}`, { method: 'PATCH', body: { firstMessage: 'Allô ?' } })
  assert.equal(changed.data.first_message, 'Allô ?')
  assert.equal((await invoke('assistants', { body: { method: 'GET', id: made.data.id } })).data.id, made.data.id)
  assert.equal((await invoke(`assistants/${made.data.id}`, { method: 'DELETE' })).success, true)
  assert.equal((await invoke('organization/current', { method: 'GET' })).data.id, user.organization_id)
  const calls = await invoke('calls?limit=1', { method: 'GET' })
  const call = calls.data[0]
  const said = await invoke('messages', { body: { call_id: call.id, content: 'Rappelé.', role: 'system' } })
  assert.equal(said.data.call_id, call.id)
  assert.ok((await invoke(`messages/${call.id}`, { method: 'GET' })).data.some((m) => m.id === said.data.id))
  const missing = await old.functions.invoke('calls/nothing', { method: 'GET' })
  assert.equal(missing.error.context.status, 404)
  assert.equal((await old.from('assistants').select('*')).error.code, 'not_found')

  // Refreshing: once; whoever shows the old token again ends the session.
  const fresh = right(await old.auth.refreshSession()).session
  assert.notEqual(fresh.access_token, session.access_token)
  const thief = supabaseClient()
  assert.equal((await thief.auth.refreshSession({ refresh_token: session.refresh_token })).error.code, 'refresh_token_not_found')
  assert.equal((await old.auth.getUser(fresh.access_token)).error.status, 401)

  // Signing up follows the installation's policy, and signing out ends the session.
  const closed = await supabaseClient().auth.signUp({ email: `new-${Date.now()}@client.test`, password: 'a good long one 7', options: { data: { name: 'Nia' } } })
  assert.deepEqual([closed.error.code, closed.error.status], ['signup_disabled', 422])
  assert.equal((await supabaseClient().auth.resetPasswordForEmail('nobody@nowhere.test')).error, null)
  const again = right(await old.auth.signInWithPassword({ email, password })).session
  assert.equal((await old.auth.signOut({ scope: 'local' })).error, null)
  assert.equal((await old.auth.getUser(again.access_token)).error.status, 401)
  return `signed in as ${user.role} of ${user.organization_id}`
}

async function pocketbase() {
  const pb = new PocketBase(base)
  pb.autoCancellation(false)
  await pb.collection('users').authWithPassword(email, password)
  const page = await pb.collection('calls').getList(1, 5, { sort: '-created' })
  assert.ok(page.totalItems >= page.items.length && page.totalPages > 0, `${page.totalItems} calls in ${page.totalPages} pages`)
  for (const name of ['contacts', 'assistants', 'phone_numbers', 'functions', 'memberships', 'usage_events', 'messages']) {
    const list = await pb.collection(name).getList(1, 2, { sort: '-created' })
    assert.ok(list.totalItems >= list.items.length || list.totalItems === -1 && name === 'messages', `${name} tells ${list.totalItems}`)
  }
  assert.equal((await pb.collection('calls').getFullList({ batch: 20 })).length, page.totalItems)
  const contact = await pb.collection('contacts').create({ phone_number: '+13035550142', name: 'Nia New' })
  assert.equal(contact.organization, page.items[0].organization)
  await pb.collection('contacts').delete(contact.id)
  await assert.rejects(pb.collection('users').create({ email: 'x@y.test', password: 'a good long one 7', passwordConfirm: 'a good long one 7' }),
    (e) => e.status === 403 && /api\/auth\/signup/.test(e.message))
  await pb.collection('users').authRefresh()
  pb.authStore.clear()
  return `${page.totalItems} calls`
}

async function vapi() {
  const [address, key] = process.env.E2E_SANDBOX.trim().split(/\s+/)
  const client = new VapiClient({ token: key, environment: `http://${address}`, baseUrl: `http://${address}` })
  const made = await client.assistants.create({
    name: 'From the SDK', firstMessage: 'Hello.', model: { provider: 'openai', model: 'gpt-4o' }, voice: { provider: 'vapi', voiceId: 'Elliot' },
  })
  assert.equal(made.name, 'From the SDK')
  assert.equal((await client.assistants.get({ id: made.id })).id, made.id)
  assert.equal((await client.assistants.update({ id: made.id, firstMessage: 'Good day.' })).firstMessage, 'Good day.')
  assert.ok((await client.assistants.list()).some((a) => a.id === made.id))
  await client.assistants.delete({ id: made.id })
  await assert.rejects(client.assistants.get({ id: made.id }), (e) => e.statusCode === 404)
  const ours = await client.assistants.list()
  assert.ok(ours.length > 0, 'the demonstration has copies of its assistants')
  await assert.rejects(new VapiClient({ token: 'wrong', environment: `http://${address}`, baseUrl: `http://${address}` }).assistants.list(),
    (e) => e.statusCode === 401)
  assert.ok((await client.calls.list({ limit: 5 })).length >= 0)
  return `${ours.length} assistants of ours`
}

const suites = { supabase, pocketbase, vapi }
const wanted = process.argv.slice(2)
for (const [name, run] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`${name.padEnd(10)}  ${await run()}`)
}
process.exit(0)
