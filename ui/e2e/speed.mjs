// B2 and the blocking time of B3: our sign-in against PocketBase's own, in the same run, plain and on a slow phone.
import { base, median, parallel, profile, settled, WAIT_MS } from './browser.mjs'
import { home } from './routes.mjs'

const ROUNDS = 3
/** Slow visits at one time: each is a quarter of a core, and its network is slow by itself. */
const ABREAST = 3
const HOME_MS = 3_500
const BLOCKED_MS = 500
const SLOW = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }

// A page has come to rest when nothing was painted and nothing ran long for this long.
const REST_MS = 1_000

/**
 * Milliseconds beyond 50 of each task of the page, in time of the processor: what other programs take from a busy machine
 * is not the page's doing. The processor's time contains the slow phone's factor.
 */
function blocking(trace, address) {
  const { pid, tid } = trace.find((e) => e.name === 'ParseHTML' && e.args?.beginData?.url === address)
  const tasks = trace.filter((e) => e.pid === pid && e.tid === tid && e.ph === 'X' && e.name.endsWith('RunTask')).sort((a, b) => a.ts - b.ts || b.dur - a.dur)
  let [blocked, end] = [0, 0]
  for (const task of tasks) {
    if (task.ts < end) continue // inside the one before
    end = task.ts + task.dur
    blocked += Math.max(0, (task.tdur ?? 0) / 1000 - 50)
  }
  return blocked
}

/** One cold visit: milliseconds to the largest paint, and blocked ones by the clock until the page rests. */
async function visit(browser, path, slow, who) {
  const context = await profile(browser, { who, ahead: true })
  try {
    const page = await context.newPage()
    if (slow) {
      const cdp = await context.newCDPSession(page)
      await cdp.send('Network.enable')
      await cdp.send('Network.emulateNetworkConditions', SLOW)
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
    }
    await page.goto(base + path, { waitUntil: 'load' })
    if (path.startsWith('/_/')) await page.waitForSelector('input[type=password], input[type=email]', { timeout: WAIT_MS })
    else await settled(page)
    // The application has taken over by now: what it takes to get there counts, not only what was painted before it.
    await page.waitForFunction((rest) => window.__seen.lcp > 0 && performance.now() - Math.max(window.__seen.lcp, window.__seen.busy) > rest, REST_MS, { timeout: WAIT_MS })
    return await page.evaluate(() => ({ ...window.__seen, unused: Object.keys(window.pocketlineEarly ?? {}) }))
  } finally {
    await context.close()
  }
}

/** Cold visits on a slow phone, and what each of our pages asked of the processor. A quarter of a core is enough for one of them. */
async function slowly(browser, visits) {
  await browser.startTracing(undefined, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] })
  const seen = {}
  await parallel(Object.entries(visits), process.env.E2E_STRICT ? 1 : ABREAST, async ([name, { path, who }]) => {
    seen[name] = await visit(browser, path, true, who)
  })
  const trace = JSON.parse(await browser.stopTracing()).traceEvents
  for (const [name, { path, ours }] of Object.entries(visits)) if (ours) seen[name].cpu = blocking(trace, base + path)
  return seen
}

const times = async (count, work) => {
  const all = []
  for (let i = 0; i < count; i++) all.push(await work())
  return all
}

export async function speed(browser, who, fail) {
  const lines = []
  const of = (rounds, name, what) => median(rounds.map((round) => round[name][what]))
  const compare = (rounds, how) => {
    const [ours, theirs] = [of(rounds, 'ours', 'lcp'), of(rounds, 'theirs', 'lcp')]
    if (ours > theirs) fail.late(`B2 sign-in ${how}: largest paint ${ours.toFixed(0)} ms, /_/ needs ${theirs.toFixed(0)} ms`)
    return `${how}: ours ${ours.toFixed(0)} ms, /_/ ${theirs.toFixed(0)} ms`
  }
  const busy = (rounds, name) => {
    const cpu = of(rounds, name, 'cpu')
    if (cpu > BLOCKED_MS) fail.late(`B3 ${name === 'ours' ? 'sign-in' : name} blocks for ${cpu.toFixed(0)} ms`)
    return `blocked ${cpu.toFixed(0)} ms of the processor, ${of(rounds, name, 'blocked').toFixed(0)} by the clock`
  }
  const plain = await times(ROUNDS, async () => ({ ours: await visit(browser, '/login', false), theirs: await visit(browser, '/_/', false) }))
  lines.push(compare(plain, 'plain'))
  const visits = { ours: { path: '/login', ours: true }, theirs: { path: '/_/' }, home: { path: home(who), who, ours: true } }
  const slow = await times(ROUNDS, () => slowly(browser, visits))
  lines.push(`${compare(slow, 'slow')}, ${busy(slow, 'ours')}`)
  const lcp = of(slow, 'home', 'lcp')
  lines.push(`home, slow: ${lcp.toFixed(0)} ms, ${busy(slow, 'home')}`)
  for (const unused of new Set(slow.flatMap((round) => round.home.unused))) fail(`home asks early for ${unused} and then not at all: boot.js and the page differ`)
  if (lcp > HOME_MS) fail.late(`B2 home throttled: ${lcp.toFixed(0)} ms of ${HOME_MS}`)
  return lines.join('\n          ')
}
