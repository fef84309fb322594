// The checks against a running server: its clients from npm, then a browser.
//   BASE_URL=http://127.0.0.1:8090 E2E_EMAIL=… E2E_PASSWORD=… npm run e2e [clients] [first] [journey] [people] …
// Times are measured and said in every run; they fail it only with E2E_STRICT=1, on a machine that does nothing else: on a
// busy one they tell more of the machine than of the dashboard.
// `first`, `people` and `baseline` start a server of their own (E2E_BINARY, else the repository's), a mail server and an account elsewhere; E2E_LANGUAGE=fr
// reads it in French, E2E_SHOTS=<folder> keeps pictures of its screens, E2E_TIMES=1 says how long each step took.
// `baseline` compares pictures; with E2E_UPDATE=1 (`npm run baseline`) it writes them anew.
// E2E_ONLY=login,me walks only these routes. Pictures of failed pages are left in e2e/out.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { away } from './away.mjs'
import { baseline } from './baseline.mjs'
import { launch, session } from './browser.mjs'
import { first } from './first.mjs'
import { journey } from './journey.mjs'
import { keyboard } from './keyboard.mjs'
import { live } from './live.mjs'
import { people } from './people.mjs'
import { speed } from './speed.mjs'
import { walk } from './walk.mjs'

/** The clients from npm, in a program of their own: they need more of Node than it gives unasked. No browser. */
async function clients() {
  if (!process.env.E2E_SANDBOX) return '!!! not tried: E2E_SANDBOX is not set'
  const program = path.resolve(import.meta.dirname, 'clients.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, ['--experimental-eventsource', '--experimental-websocket', program])
  return stdout.trim().replaceAll('\n', '\n          ')
}

const suites = { clients, journey, walk, away, keyboard, first, people, baseline, speed, live }
// What shares the server under test goes one after the other; beside it what has a server of its own, which nobody signs in to.
// What takes times, or stops the server, goes alone.
const OWN = ['first', 'people', 'baseline']
const ALONE = ['speed', 'live']

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in suites))
if (unknown.length > 0) {
  console.error(`e2e: no such suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}

const failures = new Set()
const late = new Set()
const fail = (what) => {
  if (process.env.E2E_TIMES && !failures.has(what)) console.log(`  FAIL ${what}`)
  failures.add(what)
}
/** A time over its bar. */
fail.late = (what) => (process.env.E2E_STRICT ? failures : late).add(what)

const chosen = Object.keys(suites).filter((name) => wanted.length === 0 || wanted.includes(name))
const browser = chosen.some((name) => name !== 'clients') ? await launch() : undefined

async function inOrder(names) {
  for (const name of names) {
    if (name !== 'clients' && !browser) continue
    const started = Date.now()
    try {
      // A session of each suite's own: those of clients end sessions.
      const who = OWN.includes(name) || name === 'clients' ? undefined : await session()
      const summary = await suites[name](browser, who, fail)
      console.log(`${name.padEnd(8)}  ${summary}  (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    } catch (error) {
      fail(`${name} gave up: ${error.stack}`)
    }
  }
}

try {
  const among = (names) => chosen.filter((name) => names.includes(name))
  const shared = chosen.filter((name) => !OWN.includes(name) && !ALONE.includes(name))
  if (process.env.E2E_STRICT) await inOrder(chosen)
  else {
    await Promise.all([inOrder(shared), inOrder(among(OWN))])
    await inOrder(among(ALONE))
  }
} finally {
  await browser?.close()
}
for (const what of late) console.error(`!!! OVER ITS BAR  ${what}`)
for (const what of failures) console.error(`FAIL  ${what}`)
process.exit(failures.size > 0 ? 1 : 0)
