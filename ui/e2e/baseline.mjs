// What screens look like: ten pictures of a demonstration, compared with those that are kept beside this file. A change that is
// meant rewrites them (`npm run baseline`); who reads the change sees them. Another Chromium draws other edges: under another
// version than the one that drew them a difference is said, and fails nothing.
import fs from 'node:fs'
import path from 'node:path'
import pixelmatch from 'pixelmatch'
import { PNG } from 'pngjs'
import { parallel, profile, settled, WAIT_MS } from './browser.mjs'
import { startDesk } from './desk.mjs'

const KEPT = path.resolve(import.meta.dirname, 'baseline')
const OUT = path.resolve(import.meta.dirname, 'out')
const VERSION = path.join(KEPT, 'chromium')
/** The share of a picture's pixels that may differ. */
const TOLERANCE = 0.002
/** Of all pictures together. */
const MOST_BYTES = 1_000_000
const HEIGHTS = { 360: 740, 1280: 900 }

/** The row that a page is about: the first in an order that no two rows share. */
const first = (collection, sort, filter = '') => ({ collection, sort, filter })
// Themes, languages and widths are spread over them.
const PICTURES = [
  { name: 'login', path: () => '/login', guest: true },
  { name: 'forgot-password', path: () => '/forgot-password', guest: true, width: 360, language: 'fr', theme: 'dark' },
  { name: 'calls', path: (org) => `${org}/calls` },
  { name: 'calls-phone', path: (org) => `${org}/calls`, width: 360, theme: 'dark' },
  { name: 'call', path: (org, id) => `${org}/calls/${id}`, of: first('calls', '-started_at', 'has_recording=true'), theme: 'dark' },
  { name: 'assistant', path: (org, id) => `${org}/assistants/${id}?tab=behaviour`, of: first('assistants', 'name', "language='en'"), language: 'fr' },
  { name: 'numbers', path: (org) => `${org}/numbers`, width: 360 },
  { name: 'function', path: (org, id) => `${org}/functions/${id}`, of: first('functions', 'name'), language: 'fr', theme: 'dark' },
  { name: 'hours', path: (org) => `${org}/settings/hours`, width: 360, language: 'fr' },
  { name: 'team', path: (org) => `${org}/team`, theme: 'dark' },
]

export async function baseline(browser, _, fail) {
  const desk = await startDesk()
  const said = []
  try {
    const who = await demonstration(desk)
    const taken = {}
    await parallel(PICTURES, 2, async (picture) => { taken[picture.name] = await take(browser, desk, who, picture) })
    if (process.env.E2E_UPDATE) return keep(taken, browser.version())
    const drawn = fs.readFileSync(VERSION, 'utf8').trim()
    const same = drawn === browser.version()
    for (const [name, bytes] of Object.entries(taken)) {
      const what = difference(name, bytes)
      if (!what) continue
      said.push(what)
      if (same) fail(`baseline: ${what}; see e2e/out, and npm run baseline if it is meant`)
    }
    if (!same) said.unshift(`kept by Chromium ${drawn}, this is ${browser.version()}`)
  } finally {
    await desk.stop()
  }
  return [`${PICTURES.length} pictures`, ...said].join('\n          ')
}

/** A demonstration, once everything of it is at the provider: then nothing changes any more. */
async function demonstration(desk) {
  const [email, password] = ['robin@marlow.test', 'a long password of Robin']
  const made = await desk.ask('POST', '/api/setup', { name: 'Robin Marlow', email, password, organization: 'Marlow Dental', timezone: 'America/New_York', country: 'US', language: 'en', demo: true })
  if (made.status >= 300) throw new Error(`the set-up: ${made.status} ${JSON.stringify(made.body)}`)
  const { token, record } = (await desk.ask('POST', '/api/collections/users/auth-with-password', { identity: email, password })).body
  const list = async (collection, filter, sort = 'created') => (await desk.ask('GET', `/api/collections/${collection}/records?perPage=20&sort=${sort}&filter=${encodeURIComponent(filter)}`, undefined, token)).body.items
  const [{ organization }] = await list('memberships', `user='${record.id}' && is_default=true`)
  for (const collection of ['assistants', 'functions', 'phone_numbers']) {
    await desk.until(async () => (await list(collection, `organization='${organization}'`)).every((row) => row.sync_status === 'synced'))
  }
  return { token, record, organization, list }
}

/** The picture of one page, as who looks first sees it. What tells the time says the same at every time. */
async function take(browser, desk, who, { path: at, of, guest, width = 1280, language = 'en', theme = 'light' }) {
  const [row] = of ? await who.list(of.collection, [`organization='${who.organization}'`, of.filter].filter(Boolean).join(' && '), of.sort) : []
  const context = await profile(browser, { language, theme, width, height: HEIGHTS[width], who: guest ? undefined : who, still: true })
  try {
    const page = await context.newPage()
    await page.goto(desk.base + at(`/o/${who.organization}`, row?.id))
    await settled(page)
    // The last part of the frame to come.
    if (!guest) await page.locator('header [aria-haspopup="menu"]').waitFor({ timeout: WAIT_MS })
    await page.evaluate(async () => {
      for (const time of document.querySelectorAll('time')) time.textContent = '12:00'
      document.activeElement?.blur()
      await Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)))
    })
    return await page.screenshot({ caret: 'hide' })
  } finally {
    await context.close()
  }
}

/** What of a picture is not as it was kept, or nothing. Both, and where they differ, are left in e2e/out. */
function difference(name, bytes) {
  const file = path.join(KEPT, `${name}.png`)
  if (!fs.existsSync(file)) return `${name} is not kept`
  const [kept, now] = [PNG.sync.read(fs.readFileSync(file)), PNG.sync.read(bytes)]
  const { width, height } = kept
  const leave = (what, data) => {
    fs.mkdirSync(OUT, { recursive: true })
    fs.writeFileSync(path.join(OUT, `baseline-${name}${what}.png`), data)
  }
  if (now.width !== width || now.height !== height) {
    leave('', bytes)
    return `${name} is ${now.width} by ${now.height}, kept ${width} by ${height}`
  }
  const where = new PNG({ width, height })
  const share = pixelmatch(kept.data, now.data, where.data, width, height, { threshold: 0.1 }) / (width * height)
  if (share <= TOLERANCE) return undefined
  leave('', bytes)
  leave('-difference', PNG.sync.write(where))
  return `${name} differs in ${(share * 100).toFixed(1)} % of its pixels`
}

function keep(taken, version) {
  fs.rmSync(KEPT, { recursive: true, force: true })
  fs.mkdirSync(KEPT)
  for (const [name, bytes] of Object.entries(taken)) fs.writeFileSync(path.join(KEPT, `${name}.png`), bytes)
  fs.writeFileSync(VERSION, `${version}\n`)
  const size = Object.values(taken).reduce((sum, bytes) => sum + bytes.length, 0)
  if (size > MOST_BYTES) throw new Error(`the pictures take ${size} bytes, more than ${MOST_BYTES}`)
  return `${PICTURES.length} pictures kept, ${Math.round(size / 1000)} kB`
}
