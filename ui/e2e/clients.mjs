// The clients of the two old systems and of the provider, as npm has them, against a running server with the sandbox; no browser:
//   BASE_URL=… E2E_EMAIL=… E2E_PASSWORD=… E2E_SANDBOX="<address> <key>" \
//     node --experimental-eventsource --experimental-websocket e2e/clients.mjs [document] [supabase] [pocketbase] [vapi]
// Only the address differs from what their users write.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from '@supabase/supabase-js'
import { VapiClient } from '@vapi-ai/server-sdk'
import PocketBase from 'pocketbase'

import { authenticator } from './totp.mjs'

const { BASE_URL: base, E2E_EMAIL: email, E2E_PASSWORD: password } = process.env

function supabaseClient(options = {}) {
  return createClient(base, 'any-key', { auth: { persistSession: false, autoRefreshToken: false, ...options } })
}

/** The answer of a call that must succeed. */
function right({ data, error }) {
  assert.equal(error, null, error && `${error.message} ${JSON.stringify(error)}`)
  return data
}

/** What people do with their account: change it, recover it, and give a second factor. */
async function supabaseAccount(name) {
  let said
  const old = createClient(base, 'any-key', {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: async (...asked) => {
        const answer = await fetch(...asked)
        said = answer.status === 400 ? await answer.clone().json() : undefined
        return answer
      },
    },
  })
  const { session } = right(await old.auth.signInWithPassword({ email, password }))
  assert.equal(right(await old.auth.updateUser({ data: { name: 'Nia' } })).user.user_metadata.name, 'Nia')
  right(await old.auth.updateUser({ data: { name } }))
  assert.equal((await old.auth.updateUser({ password: 'a good long one 7' })).error.code, 'current_password_required')
  assert.equal((await old.auth.verifyOtp({ type: 'recovery', token_hash: 'x' })).error.code, 'otp_expired')
  assert.equal((await old.auth.verifyOtp({ type: 'email', email, token: '12345678' })).error.code, 'otp_expired')

  const own = async (path, body, token = session.access_token) => {
    const answer = await fetch(`${base}/api/me/two-factor/${path}`, {
      method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
    })
    assert.ok(answer.ok, `${path}: ${answer.status}`)
    return answer.status === 204 ? {} : answer.json()
  }
  const { secret } = await own('start', {})
  const { recovery_codes: codes } = await own('confirm', { code: await authenticator(secret).next() })
  try {
    assert.equal((await old.auth.signInWithPassword({ email, password })).error.code, 'mfa_required')
    const { ticket } = said
    assert.equal((await old.auth.verifyOtp({ type: 'mfa', ticket, token: 'aaaaa-aaaaa' })).error.code, 'mfa_verification_failed')
    right(await old.auth.verifyOtp({ type: 'mfa', ticket, token: codes[0] }))
    assert.equal(right(await old.auth.getUser()).user.email, email)
  } finally {
    await own('disable', { password })
  }
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

  // Refreshing: the same answer for a moment, to tabs that ask at once; whoever shows the token after another one ends the session.
  const fresh = right(await old.auth.refreshSession()).session
  assert.notEqual(fresh.access_token, session.access_token)
  assert.equal(right(await supabaseClient().auth.refreshSession({ refresh_token: session.refresh_token })).session.access_token, fresh.access_token)
  right(await old.auth.refreshSession())
  const thief = supabaseClient()
  assert.equal((await thief.auth.refreshSession({ refresh_token: session.refresh_token })).error.code, 'refresh_token_not_found')
  assert.equal((await old.auth.getUser(fresh.access_token)).error.status, 401)

  // Signing up follows the installation's policy, and signing out ends the session.
  const closed = await supabaseClient().auth.signUp({ email: `new-${Date.now()}@client.test`, password: 'a good long one 7', options: { data: { name: 'Nia' } } })
  assert.deepEqual([closed.error.code, closed.error.status], ['signup_disabled', 422])
  assert.equal((await supabaseClient().auth.resetPasswordForEmail('nobody@nowhere.test')).error.code, 'otp_disabled')
  assert.equal((await supabaseClient().auth.signInWithOtp({ email: 'nobody@nowhere.test' })).error.code, 'otp_disabled')
  for (const [options, here, there] of [[{ scope: 'local' }, 401, 200], [{ scope: 'others' }, 200, 401], [{}, 401, 401]]) {
    const another = supabaseClient()
    const [mine, theirs] = [right(await old.auth.signInWithPassword({ email, password })), right(await another.auth.signInWithPassword({ email, password }))]
    assert.equal((await old.auth.signOut(options)).error, null)
    for (const [{ session: kept }, want] of [[mine, here], [theirs, there]]) {
      assert.equal((await supabaseClient().auth.getUser(kept.access_token)).error?.status ?? 200, want, JSON.stringify(options))
    }
  }
  await supabaseAccount(user.user_metadata.name)
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

/** The programs of docs/clients.md, each by itself as it stands there; only addresses, keys and the account are put in. */
async function document() {
  const page = await readFile(new URL('../../docs/clients.md', import.meta.url), 'utf8')
  const [address, key] = process.env.E2E_SANDBOX.trim().split(/\s+/)
  const programs = [...page.matchAll(/^( *)```js\n(.*?)^ *```$/gms)].map(([, , code]) => code)
  assert.ok(programs.length >= 4, `${programs.length} programs in the document`)
  const command = page.match(/`node ((?:--\S+ )+)program\.mjs`/)[1].trim().split(' ')
  for (const program of programs) {
    const own = program.replaceAll('https://desk.example.com', base).replaceAll('http://127.0.0.1:8787', `http://${address}`).replaceAll('sandbox-key', key)
    const [account, end] = [`const [email, password, code] = ${JSON.stringify([email, password, '000000'])}\n`, '\nprocess.exit(0)\n']
    const file = new URL(`.document-${process.pid}.mjs`, import.meta.url) // beside node_modules
    await writeFile(file, account + own + end)
    try {
      execFileSync(process.execPath, [...command, fileURLToPath(file)], { stdio: 'pipe', timeout: 300_000 })
    } catch (e) {
      throw new Error(`this program of the document does not run:\n${program}\n${e.stderr}`, { cause: e })
    } finally {
      await rm(file)
    }
  }
  return `${programs.length} programs`
}

const suites = { document, supabase, pocketbase, vapi }
const wanted = process.argv.slice(2)
for (const [name, run] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`${name.padEnd(10)}  ${await run()}`)
}
process.exit(0)
