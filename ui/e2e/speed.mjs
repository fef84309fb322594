// B2 and the blocking time of B3: our sign-in against PocketBase's own, in the same run, plain and on a slow phone.
import { base, median, profile, settled } from './browser.mjs'
import { routes } from './routes.mjs'

const ROUNDS = 5
const HOME_MS = 3_500
const BLOCKED_MS = 500
const SLOW = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }

/** One cold visit: milliseconds to the largest paint, and blocked milliseconds. */
async function visit(browser, path, slow, who) {
  const context = await profile(browser, { who })
  try {
    const page = await context.newPage()
    if (slow) {
      const cdp = await context.newCDPSession(page)
      await cdp.send('Network.enable')
      await cdp.send('Network.emulateNetworkConditions', SLOW)
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
    }
    await page.goto(base + path, { waitUntil: 'load' })
    if (path.startsWith('/_/')) await page.waitForSelector('input[type=password], input[type=email]', { timeout: 30_000 })
    else await settled(page)
    // The largest paint is final once nothing was painted for a while.
    await page.waitForFunction(() => window.__seen.lcp > 0 && performance.now() - window.__seen.lcp > 400, undefined, { timeout: 30_000 })
    return await page.evaluate(() => window.__seen)
  } finally {
    await context.close()
  }
}

export async function speed(browser, who, fail) {
  const lines = []
  for (const slow of [false, true]) {
    const [ours, theirs, blocked] = [[], [], []]
    for (let i = 0; i < ROUNDS; i++) {
      const mine = await visit(browser, '/login', slow)
      ours.push(mine.lcp)
      blocked.push(mine.blocked)
      theirs.push((await visit(browser, '/_/', slow)).lcp)
    }
    const [a, b] = [median(ours), median(theirs)]
    lines.push(`${slow ? 'slow' : 'plain'}: ours ${a.toFixed(0)} ms, /_/ ${b.toFixed(0)} ms, blocked ${median(blocked).toFixed(0)} ms`)
    if (a > b) fail.late(`B2 sign-in ${slow ? 'throttled' : 'plain'}: largest paint ${a.toFixed(0)} ms, /_/ needs ${b.toFixed(0)} ms`)
    if (slow && median(blocked) > BLOCKED_MS) fail.late(`B3 sign-in blocks for ${median(blocked).toFixed(0)} ms`)
  }
  const home = routes.find((r) => r.name === 'home')
  if (home) {
    const visits = []
    for (let i = 0; i < 3; i++) visits.push(await visit(browser, home.path(who), true, who))
    const lcp = median(visits.map((v) => v.lcp))
    const blocked = median(visits.map((v) => v.blocked))
    lines.push(`home, slow: ${lcp.toFixed(0)} ms, blocked ${blocked.toFixed(0)} ms`)
    if (lcp > HOME_MS) fail.late(`B2 home throttled: ${lcp.toFixed(0)} ms of ${HOME_MS}`)
    if (blocked > BLOCKED_MS) fail.late(`B3 home blocks for ${blocked.toFixed(0)} ms`)
  }
  return lines.join('\n          ')
}
