// Shared by the browser checks: Chromium, the demo session, and what every page is watched for.
import fs from 'node:fs'
import { chromium } from 'playwright-core'

export const base = (process.env.BASE_URL ?? 'http://127.0.0.1:8090').replace(/\/$/, '')
/** How long a check waits for a condition before it is a failure: far above what the slowest machine needs. */
export const WAIT_MS = 120_000
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'

/** Chromium, or undefined after a loud note; under CI its absence is a failure. */
export async function launch() {
  if (!fs.existsSync(executablePath)) {
    console.error(`\n!!! BROWSER CHECKS NOT RUN: ${executablePath} is missing (Debian: apt-get install chromium; or set CHROMIUM)\n`)
    if (process.env.CI === 'true') process.exit(1)
    return undefined
  }
  return chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/** Signs in as the demo person and returns the session and a reader of collections. */
export async function session() {
  const identity = process.env.E2E_EMAIL
  const password = process.env.E2E_PASSWORD
  if (!identity || !password) throw new Error('set E2E_EMAIL and E2E_PASSWORD to an account of the server under test')
  const answer = await ask('POST', '/api/collections/users/auth-with-password', { identity, password })
  const call = (method, path, body) => ask(method, path, body, answer.token)
  const list = async (collection, filter = '') =>
    (await call('GET', `/api/collections/${collection}/records?skipTotal=1&perPage=20&filter=${encodeURIComponent(filter)}`)).items
  const memberships = await list('memberships', `user='${answer.record.id}'`)
  const place = memberships.find((m) => m.is_default) ?? memberships[0]
  if (!place) throw new Error('the account belongs to no organization')
  return { ...answer, org: place.organization, call, list }
}

async function ask(method, path, body, token) {
  const response = await fetch(base + path, {
    method,
    headers: { ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: token }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`)
  return text ? JSON.parse(text) : null
}

/**
 * A fresh browser profile with a language, a colour scheme and, for signed-in pages, the session. `still`: nothing moves.
 * `ahead`: the code of other pages is fetched when nothing is going on, as it is for everybody who does not save data.
 */
export async function profile(browser, { language = 'en', theme = 'light', width = 1280, height = 900, who, still = false, ahead = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language === 'fr' ? 'fr-FR' : 'en-US', reducedMotion: still ? 'reduce' : 'no-preference' })
  context.setDefaultTimeout(WAIT_MS)
  await context.addInitScript(({ language, theme, stored, ahead }) => {
    if (!ahead) Object.defineProperty(navigator.connection, 'saveData', { get: () => true })
    // Kept when it is there already: pages may renew it.
    localStorage.setItem('pocketline.language', language)
    localStorage.setItem('pocketline.theme', theme)
    if (stored && !localStorage.getItem('pocketline.session')) localStorage.setItem('pocketline.session', stored)
    const seen = (window.__seen = { shift: 0, lcp: 0, blocked: 0, busy: 0, policy: [] })
    document.addEventListener('securitypolicyviolation', (e) => seen.policy.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sourceFile ?? ''}:${e.lineNumber}`))
    const watch = (type, each) => new PerformanceObserver((l) => l.getEntries().forEach(each)).observe({ type, buffered: true })
    watch('layout-shift', (e) => { if (!e.hadRecentInput) seen.shift += e.value })
    watch('largest-contentful-paint', (e) => { seen.lcp = e.startTime })
    watch('longtask', (e) => {
      seen.blocked += Math.max(0, e.duration - 50)
      seen.busy = e.startTime + e.duration
    })
  }, { language, theme, ahead, stored: who && JSON.stringify({ token: who.token, record: { ...who.record, language: '', theme: '' } }) })
  return context
}

/** Collects what a page must never do. Returns the list that fills while the page lives. */
export function watched(page) {
  const complaints = []
  page.on('console', (m) => { if (m.type() === 'error' && !/favicon/.test(m.location().url)) complaints.push(`console: ${m.text().slice(0, 300)}`) })
  page.on('pageerror', (e) => complaints.push(`exception: ${e.message}`))
  page.on('request', (r) => {
    const url = new URL(r.url())
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== new URL(base).host) complaints.push(`foreign request: ${r.url()}`)
  })
  return complaints
}

/** Waits for the page itself: its heading is there and nothing is loading. */
export async function settled(page, tries = 3) {
  try {
    await page.waitForFunction(() => document.querySelector('h1, h2') && !document.querySelector('[data-loading]'), undefined, { timeout: WAIT_MS })
    await page.evaluate(() => Promise.all([document.fonts.ready, new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))]))
  } catch (error) {
    // A page that heals itself loads anew; why it had to is among what was watched.
    if (tries <= 1 || !/context was destroyed/.test(error.message)) throw error
    await settled(page, tries - 1)
  }
}

/** Runs `work` over `items`, `width` at a time. */
export async function parallel(items, width, work) {
  const queue = [...items]
  await Promise.all(Array.from({ length: width }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }))
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
