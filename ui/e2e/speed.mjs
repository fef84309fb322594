// B2 and the blocking time of B3: our sign-in against PocketBase's own, in the same run, plain and on a slow phone.
import { base, median, profile, settled } from './browser.mjs'
import { home } from './routes.mjs'

const ROUNDS = 3
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

/** One cold visit: milliseconds to the largest paint; blocked milliseconds until the page rests, by the clock and by the processor. */
async function visit(browser, path, slow, who) {
  const context = await profile(browser, { who })
  try {
    const page = await context.newPage()
    if (slow) {
      const cdp = await context.newCDPSession(page)
      await cdp.send('Network.enable')
      await cdp.send('Network.emulateNetworkConditions', SLOW)
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
      await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] })
    }
    await page.goto(base + path, { waitUntil: 'load' })
    if (path.startsWith('/_/')) await page.waitForSelector('input[type=password], input[type=email]', { timeout: 30_000 })
    else await settled(page)
    // The application has taken over by now: what it takes to get there counts, not only what was painted before it.
    await page.waitForFunction((rest) => window.__seen.lcp > 0 && performance.now() - Math.max(window.__seen.lcp, window.__seen.busy) > rest, REST_MS, { timeout: 30_000 })
    const seen = await page.evaluate(() => ({ ...window.__seen, unused: Object.keys(window.pocketlineEarly ?? {}) }))
    return { ...seen, cpu: slow ? blocking(JSON.parse(await browser.stopTracing()).traceEvents, base + path) : 0 }
  } finally {
    await context.close()
  }
}

export async function speed(browser, who, fail) {
  const lines = []
  for (const slow of [false, true]) {
    const [ours, theirs, blocked, cpu] = [[], [], [], []]
    for (let i = 0; i < ROUNDS; i++) {
      const mine = await visit(browser, '/login', slow)
      ours.push(mine.lcp)
      blocked.push(mine.blocked)
      cpu.push(mine.cpu)
      theirs.push((await visit(browser, '/_/', slow)).lcp)
    }
    const [a, b] = [median(ours), median(theirs)]
    const busy = slow ? `, blocked ${median(cpu).toFixed(0)} ms of the processor, ${median(blocked).toFixed(0)} by the clock` : ''
    lines.push(`${slow ? 'slow' : 'plain'}: ours ${a.toFixed(0)} ms, /_/ ${b.toFixed(0)} ms${busy}`)
    if (a > b) fail.late(`B2 sign-in ${slow ? 'throttled' : 'plain'}: largest paint ${a.toFixed(0)} ms, /_/ needs ${b.toFixed(0)} ms`)
    if (slow && median(cpu) > BLOCKED_MS) fail.late(`B3 sign-in blocks for ${median(cpu).toFixed(0)} ms`)
  }
  const visits = []
  for (let i = 0; i < ROUNDS; i++) visits.push(await visit(browser, home(who), true, who))
  const lcp = median(visits.map((v) => v.lcp))
  const cpu = median(visits.map((v) => v.cpu))
  lines.push(`home, slow: ${lcp.toFixed(0)} ms, blocked ${cpu.toFixed(0)} ms of the processor, ${median(visits.map((v) => v.blocked)).toFixed(0)} by the clock`)
  for (const unused of new Set(visits.flatMap((v) => v.unused))) fail(`home asks early for ${unused} and then not at all: boot.js and the page differ`)
  if (lcp > HOME_MS) fail.late(`B2 home throttled: ${lcp.toFixed(0)} ms of ${HOME_MS}`)
  if (cpu > BLOCKED_MS) fail.late(`B3 home blocks for ${cpu.toFixed(0)} ms`)
  return lines.join('\n          ')
}
