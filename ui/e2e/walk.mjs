// B3 to B6, B10 and the frame: every route in English, French and the pseudo language, narrow and wide, light and dark.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { base, parallel, profile, settled, WAIT_MS, watched } from './browser.mjs'
import { pages } from './routes.mjs'

const CLS = 0.1
/** The most empty pixels between one thing of a page and the next: more is a hole that nobody wanted. */
const GAP = 96
// A phone, the nodes its browser takes without a pause, and the calls its first screen shows.
const PHONE = 360
const PHONE_NODES = 2_000
const PHONE_CALLS = 5
const WIDE = 1280
const HEIGHTS = { [PHONE]: 740, [WIDE]: 900 }
// Each page is loaded once: what a load asks for, shifts and is refused shows then. Everywhere else a tab goes on to the next page
// as a person does, which costs a fifth. Roles, names and contrast are the same in every language: English alone is asked for them.
const LOOKS = [
  { language: 'en', width: PHONE, axe: true },
  { language: 'en', width: WIDE, axe: true },
  { language: 'fr', width: PHONE, loads: true },
  { language: 'fr', width: WIDE },
  { language: 'pseudo', width: PHONE },
  { language: 'pseudo', width: WIDE },
]
// A page waits for the server and for frames about half of its time.
const PAGES = 2 * os.availableParallelism()

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export async function walk(browser, who, fail) {
  const desk = await (await fetch(base + '/api/desk')).json()
  const stops = []
  for (const route of await pages(browser)) {
    if (route.needs === 'setup' && !desk.setup_needed) continue
    stops.push({ ...route, path: typeof route.path === 'function' ? await route.path(who) : route.path })
  }
  const only = process.env.E2E_ONLY?.split(',')
  const chosen = only ? stops.filter((s) => only.includes(s.name)) : stops

  await spoiled(browser, fail)

  const noted = []
  for (const look of LOOKS) {
    const started = Date.now()
    const contexts = { guest: await open(browser, look), member: await open(browser, look, who) }
    // A tab stays open for the next page: a new one costs as much as the page.
    const tabs = { guest: [], member: [] }
    await parallel(chosen, PAGES, async (stop) => {
      const job = { ...look, stop }
      const as = stop.guest ? 'guest' : 'member'
      const tab = tabs[as].pop() ?? await newTab(contexts[as])
      try {
        noted.push(await visit(tab, job, fail))
        tabs[as].push(tab)
      } catch (error) {
        fail(`${label(job)}: ${error.message.split('\n')[0]}`)
        await shot(tab.page, job)
        await tab.page.close()
      }
    })
    for (const context of Object.values(contexts)) await context.close()
    if (process.env.E2E_TIMES) console.log(`  ${look.language} ${look.width}: ${Date.now() - started} ms`)
  }
  compared(noted, fail)
  return `${chosen.length} routes, ${LOOKS.length} looks`
}

/** The heading stays where it is from tab to tab, and no two pages have one title. */
function compared(noted, fail) {
  for (const { language, width } of LOOKS) {
    const seen = noted.filter((one) => one.language === language && one.width === width && !one.guest)
    for (const [first, ...others] of groups(seen.filter((one) => one.tabs), (one) => one.tabs).values()) {
      for (const { name, heading } of others) {
        if (heading !== first.heading) fail(`the heading jumps at ${width} px, ${language}: ${first.heading} on ${first.name}, ${heading} on ${name}`)
      }
    }
    for (const [title, pages] of groups(seen, (one) => one.title)) {
      const addresses = new Set(pages.map((one) => one.address))
      if (addresses.size > 1) fail(`"${title}" is the title of ${[...addresses].join(' and ')}`)
    }
  }
}

function groups(items, by) {
  const found = new Map()
  for (const item of items) found.set(by(item), [...found.get(by(item)) ?? [], item])
  return found
}

const open = (browser, { language, width }, who) => profile(browser, { language, width, height: HEIGHTS[width], who, still: true })

async function newTab(context) {
  const page = await context.newPage()
  return { page, complaints: watched(page), began: false }
}

const label = ({ stop, width, language }) => `${stop.name} ${width} ${language}`

async function shot(page, job) {
  if (job.stop.spoil) return
  const dir = path.resolve(import.meta.dirname, 'out')
  fs.mkdirSync(dir, { recursive: true })
  await page.screenshot({ path: path.join(dir, `${label(job).replaceAll(' ', '-')}.png`) }).catch(() => undefined)
}

/** What the planted faults are reported as: each kind, at both widths where both are looked at. */
const PLANTED = [
  'B3 spoiled 360', 'B4 spoiled 360 en: light: color-contrast', 'B4 spoiled 1280 en: light: color-contrast',
  'policy: img-src', 'console: spoiled', 'B6 spoiled 360 en', 'B6 spoiled 360 fr', 'B10 spoiled 360', 'B10 spoiled 1280',
  'phone spoiled 360', 'hole spoiled 360', 'hole spoiled 1280',
  'the heading jumps at 360 px, en', 'the heading jumps at 1280 px, fr', '"spoiled" is the title of /forgot-password and /login',
]

/** Breaks a page on purpose: a check that misses its fault is itself the failure. */
async function spoiled(browser, fail) {
  const found = []
  const report = (what) => found.push(what)
  const noted = []
  await parallel(LOOKS, PAGES, async (look) => {
    const context = await open(browser, look)
    const tab = await newTab(context)
    const stop = (name, path, spoil) => ({ ...look, stop: { name, path, tabs: 'spoiled', spoil } })
    noted.push(await visit(tab, stop('titled', '/forgot-password', () => { document.title = 'spoiled' }), report))
    noted.push(await visit(tab, stop('spoiled', '/login', () => {
      document.title = 'spoiled'
      const add = (css, text) => {
        const element = document.createElement('p')
        element.style.cssText = css
        element.textContent = text
        document.querySelector('main').prepend(element)
      }
      add('color:#ccc;background:#fff', 'pale')
      add('width:500px', 'wide')
      add('height:700px', '')
      add('width:40px;overflow:hidden;white-space:nowrap', 'cut off words ~~~~')
      // Where nobody looks for roles in them.
      if (document.documentElement.lang === 'fr') for (let i = 0; i < 2_000; i++) document.body.append(document.createElement('i'))
      const image = new Image()
      image.src = 'https://elsewhere.invalid/pixel.png'
      document.body.append(image)
      console.error('spoiled')
    }), report))
    await context.close()
  })
  compared(noted, report)
  for (const sign of PLANTED) {
    if (!found.some((what) => what.includes(sign))) fail(`the walk does not notice a planted fault: ${sign}`)
  }
}

/** Goes on to a page in the same tab, as a link does, and waits for its code and its data. */
async function goOn(page, to) {
  await page.evaluate((to) => {
    Object.assign(window.__seen, { shift: 0, policy: [] })
    window.__TSR_ROUTER__.history.push(to)
  }, to)
  await page.waitForFunction(() => {
    const { history, options, state } = window.__TSR_ROUTER__
    const there = state.status === 'idle' && state.resolvedLocation?.href === history.location.href
    return there && options.context.queries.isFetching() === 0
  }, undefined, { timeout: WAIT_MS })
}

/** Looks at one page, and returns what of it is compared with other pages. */
async function visit(tab, job, report) {
  const { page, complaints } = tab
  const { stop, width, language } = job
  let failed = false
  const fail = (bar, what) => {
    failed = true
    report(`${bar} ${label(job)}: ${what}`)
  }
  complaints.length = 0
  if (job.loads || !tab.began) await page.goto(base + stop.path)
  else await goOn(page, stop.path)
  tab.began = true
  await settled(page)
  if (stop.spoil) {
    await page.evaluate(stop.spoil)
    await page.waitForTimeout(100) // shifts and refusals are reported a frame later
  }
  if (language === 'pseudo') for (const what of await page.evaluate(clipped)) fail('B10', `clipped: ${what}`)
  const scroll = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  if (scroll > 0) fail('B6', `scrolls sideways by ${scroll} px`)
  if (width === PHONE && language !== 'pseudo') {
    const most = { nodes: PHONE_NODES, cards: stop.name === 'calls' ? PHONE_CALLS : 0 }
    for (const what of await page.evaluate(tooMuch, most)) fail('phone', what)
  }
  if (job.axe) for (const what of await accessible(page)) fail('B4', what)
  const { hole, ...frame } = await page.evaluate(framed)
  if (hole.size > GAP) fail('hole', `nothing for ${hole.size} px above ${hole.above}`)
  const { shift, policy } = await page.evaluate(() => window.__seen)
  if (shift > CLS) fail('B3', `layout shift ${shift.toFixed(3)}`)
  for (const what of policy) fail('B5', `policy: ${what}`)
  for (const what of complaints) fail('B5', what)
  if (failed) await shot(page, job)
  const { name, tabs, guest } = stop
  return { ...frame, width, language, name, tabs, guest, address: stop.path.split(/[?#]/)[0] }
}

/** The page's title, where its heading stands, and the greatest empty height between two things that can be seen. */
function framed() {
  const ink = []
  const main = document.querySelector('main')
  const add = ({ top, bottom, width, height }, what) => {
    if (width > 1 && height > 1) ink.push({ top, bottom, what })
  }
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    if (!text.data.trim() || !text.parentElement.checkVisibility({ visibilityProperty: true })) continue
    range.selectNodeContents(text)
    for (const box of range.getClientRects()) add(box, `"${text.data.trim().slice(0, 40)}"`)
  }
  for (const element of main.querySelectorAll('*')) {
    // What is still on its way keeps its place.
    const drawn = /^(svg|img|input|textarea|select|button|canvas|video|hr)$/i.test(element.tagName) || element.matches('.mantine-Skeleton-root')
    if (!drawn && (element.childElementCount > 0 || getComputedStyle(element).backgroundColor === 'rgba(0, 0, 0, 0)')) continue
    if (element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) add(element.getBoundingClientRect(), element.tagName.toLowerCase())
  }
  ink.sort((a, b) => a.top - b.top)
  const hole = { size: 0, above: '' }
  let end = main.id === 'content' ? main.getBoundingClientRect().top : ink[0]?.top
  for (const { top, bottom, what } of ink) {
    if (top - end > hole.size) Object.assign(hole, { size: Math.round(top - end), above: what })
    end = Math.max(end, bottom)
  }
  const heading = document.querySelector('h1')?.getBoundingClientRect()
  return { title: document.title, hole, heading: heading && `${Math.round(heading.x)},${Math.round(heading.y)}` }
}

/** Second scheme: only colours can differ, so only contrast is asked again. */
async function accessible(page) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe)
  return page.evaluate(async () => {
    const found = []
    for (const [scheme, runOnly] of [
      ['dark', { type: 'rule', values: ['color-contrast'] }],
      ['light', { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }],
    ]) {
      document.documentElement.setAttribute('data-mantine-color-scheme', scheme)
      // Colour changes animate for a moment; a half-faded colour is nobody's fault.
      // What inherits a colour begins to change when the one above it has.
      const changing = () => document.getAnimations().filter((a) => a.playState !== 'finished' && a.effect?.getComputedTiming().iterations !== Infinity)
      for (let [depth, all] = [0, changing()]; all.length > 0 && depth < 50; depth++, all = changing()) for (const a of all) a.finish()
      // Only a rule that is not asked for reads the style sheets themselves.
      const { violations } = await window.axe.run(document, { runOnly, resultTypes: ['violations'], preload: false })
      found.push(...violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${scheme}: ${v.id} at ${n.target.join(' ')} (${n.any[0]?.message ?? v.help})`)))
    }
    return found
  })
}

/** What is too much for a phone: nodes of the document, and what keeps the first calls off its first screen. */
function tooMuch({ nodes, cards }) {
  const found = []
  const there = document.querySelectorAll('*').length
  if (there > nodes) found.push(`${there} nodes, more than ${nodes}`)
  const last = cards > 0 && document.querySelectorAll('[data-row]')[cards - 1]
  const bar = [...document.querySelectorAll('nav')].find((nav) => getComputedStyle(nav).position === 'fixed')
  const end = bar?.getBoundingClientRect().top ?? window.innerHeight
  if (last && last.getBoundingClientRect().bottom + window.scrollY > end) found.push(`row ${cards} is not on the first screen`)
  return found
}

/** Texts of ours (they end in the pseudo language's tildes) that do not fit where they stand. */
function clipped() {
  const found = []
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join('')
    if (!own.includes('~') || element.closest('[aria-hidden="true"], .mantine-VisuallyHidden-root')) continue
    // Words for who hears them alone, such as those of a button that is an icon on a phone.
    if (getComputedStyle(element).clipPath === 'inset(50%)') continue
    const box = element.getBoundingClientRect()
    if (box.width <= 1 || box.bottom < 0) continue // not drawn, or for who hears the page
    for (let parent = element; parent && parent !== document.body; parent = parent.parentElement) {
      const style = getComputedStyle(parent)
      const hides = /hidden|clip/.test(style.overflowX) || /hidden|clip/.test(style.overflowY)
      const limit = parent.getBoundingClientRect()
      const over = parent === element ? parent.scrollWidth - parent.clientWidth > 1 || parent.scrollHeight - parent.clientHeight > 3 : box.right - limit.right > 1 || box.bottom - limit.bottom > 3
      if (hides && over) {
        found.push(`"${own.trim().slice(0, 50)}" in ${parent.tagName.toLowerCase()}.${String(parent.className).split(' ')[0]}`)
        break
      }
    }
    const aside = (parent) => parent && (/auto|scroll/.test(getComputedStyle(parent).overflowX) || aside(parent.parentElement))
    if (box.right > window.innerWidth + 1 && !aside(element)) found.push(`"${own.trim().slice(0, 50)}" leaves the screen`)
  }
  return found
}
