// The browser checks, against a running server:
//   BASE_URL=http://127.0.0.1:8090 E2E_EMAIL=… E2E_PASSWORD=… npm run e2e [first] [journey] [people] [walk] [away] [speed] [live]
// Times are measured and said in every run; they fail it only with E2E_STRICT=1, on a machine that does nothing else: on a
// busy one they tell more of the machine than of the dashboard.
// `first` and `people` start a server of their own (E2E_BINARY, else the repository's), a mail server and an account elsewhere; E2E_LANGUAGE=fr
// reads it in French, E2E_SHOTS=<folder> keeps pictures of its screens, E2E_TIMES=1 says how long each step took.
// E2E_ONLY=login,me walks only these routes. Pictures of failed pages are left in e2e/out.
import { away } from './away.mjs'
import { launch, session } from './browser.mjs'
import { first } from './first.mjs'
import { journey } from './journey.mjs'
import { live } from './live.mjs'
import { people } from './people.mjs'
import { speed } from './speed.mjs'
import { walk } from './walk.mjs'

const suites = { first, journey, people, walk, away, speed, live }
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in suites))
if (unknown.length > 0) {
  console.error(`e2e: no such suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}

const browser = await launch()
const failures = new Set()
const late = new Set()
const fail = (what) => failures.add(what)
/** A time over its bar. */
fail.late = (what) => (process.env.E2E_STRICT ? failures : late).add(what)
try {
  const who = await session()
  for (const [name, run] of Object.entries(suites)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const started = Date.now()
    const summary = await run(browser, who, fail)
    console.log(`${name.padEnd(8)}  ${summary}  (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  }
} finally {
  await browser.close()
}
for (const what of late) console.error(`!!! OVER ITS BAR  ${what}`)
for (const what of failures) console.error(`FAIL  ${what}`)
process.exit(failures.size > 0 ? 1 : 0)
