// A server of a suite's own: an empty directory, a free port, no mail, nobody in it; and its operator, who has a password
// for PocketBase's panel. E2E_BINARY names the program when it is not the repository's own.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

const STARTED_MS = 180_000
const program = process.env.E2E_BINARY || path.resolve(import.meta.dirname, '../../pocketline')

/** Starts one, with settings of its own. `operator(method, path, body)` asks as its superuser, `ask` as whoever's token is given. */
export async function startDesk(settings = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pocketline-desk-'))
  const [identity, password] = ['operator@desk.test', randomBytes(12).toString('hex')]
  const base = `http://127.0.0.1:${await freePort()}`
  const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POCKETLINE_'))), POCKETLINE_LOG_LEVEL: 'error', POCKETLINE_PUBLIC_URL: base, ...settings }
  const log = fs.openSync(path.join(dir, 'log'), 'a')
  const server = spawn(program, ['serve', '--sandbox', '--sandbox-speed', '10', '--dir', path.join(dir, 'data'), '--http', new URL(base).host], { env, stdio: ['ignore', log, log] })
  const over = new Promise((done) => server.on('exit', done))
  const stop = async () => {
    server.kill('SIGTERM')
    await over
    fs.rmSync(dir, { recursive: true, force: true })
  }
  const ask = async (method, at, body, token, headers = {}) => {
    const response = await fetch(base + at, { method, headers: { ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: token }), ...headers }, body: body && JSON.stringify(body) })
    const text = await response.text()
    const dead = response.headers.get('www-authenticate')?.includes('invalid_token') ?? false
    return { status: response.status, dead, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
  }
  try {
    await until(async () => {
      if (server.exitCode !== null) throw new Error(`it ended: ${fs.readFileSync(path.join(dir, 'log'), 'utf8').slice(-500)}`)
      return (await ask('GET', '/api/health').catch(() => undefined))?.status === 200
    })
    // Only `serve` and `setup` begin an installation.
    execFileSync(program, ['superuser', 'upsert', identity, password, '--dir', path.join(dir, 'data')], { env, stdio: 'pipe' })
    const signedIn = await ask('POST', '/api/collections/_superusers/auth-with-password', { identity, password })
    if (!signedIn.body.token) throw new Error(`the operator cannot sign in: ${JSON.stringify(signedIn)}`)
    const operator = async (method, at, body) => {
      const answer = await ask(method, at, body, signedIn.body.token)
      if (answer.status >= 400) throw new Error(`the operator's ${method} ${at}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
      return answer.body
    }
    return { base, ask, operator, stop, until, log: () => fs.readFileSync(path.join(dir, 'log'), 'utf8') }
  } catch (error) {
    await stop()
    throw new Error(`the suite's own server did not start: ${error.message}`, { cause: error })
  }
}

async function until(condition) {
  for (const end = Date.now() + STARTED_MS; Date.now() < end; await new Promise((r) => setTimeout(r, 100))) {
    // oxlint-disable-next-line no-await-in-loop -- one try after the other
    if (await condition()) return
  }
  throw new Error(`no answer within ${STARTED_MS / 1000} s`)
}

function freePort() {
  return new Promise((done) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })
}
