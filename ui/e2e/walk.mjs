// B3 to B6, B10 and the frame: every route in English, French and the pseudo language, narrow and wide, light and dark.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { base, parallel, profile, settled, watched } from './browser.mjs'
import { pages } from './routes.mjs'

const CLS = 0.1
/** The most empty pixels between one thing of a page and the next: more is a hole that nobody wanted. */
const GAP = 96
const HEIGHTS = { 360: 740, 1280: 900 }
// A phone, the nodes its browser takes without a pause, and the calls its first screen shows.
const PHONE = 360
const PHONE_NODES = 2_000
const PHONE_CALLS = 5
// What a load shows, shifts and refusals among it, is seen at the first width; what fits and what can be read needs no
// second load for the other. Roles, names and contrast are the same in every language: English alone is asked for them.
const LOOKS = [
  { language: 'en', widths: [360, 1280], axe: true },
  { language: 'fr', widths: [1280, 360] },
  { language: 'pseudo', widths: [360, 1280] },
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
    const contexts = { guest: await open(browser, look), member: await open(browser, look, who) }
    // A tab stays open for the next page: a new one costs as much as the page.
    const tabs = { guest: [], member: [] }
    await parallel(chosen, PAGES, async (stop) => {
      const job = { ...look, stop }
      const as = stop.guest ? 'guest' : 'member'
      const tab = tabs[as].pop() ?? await newTab(contexts[as])
      try {
        noted.push(...await visit(tab, job, fail))
        tabs[as].push(tab)
      } catch (error) {
        fail(`${label(job)}: ${error.message.split('\n')[0]}`)
        await shot(tab.page, job)
        await tab.page.close()
      }
    })
    for (const context of Object.values(contexts)) await context.close()
  }
  compared(noted, fail)
  return `${LOOKS.length * chosen.length} loads at two widths, ${chosen.length} routes`
}

/** The heading stays where it is from tab to tab, and no two pages have one title. */
function compared(noted, fail) {
  for (const { language, width } of LOOKS.flatMap(({ language, widths }) => widths.map((width) => ({ language, width })))) {
    const seen = noted.filter((one) => one.language === language && one.width === width)
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

const open = (browser, { language }, who) => profile(browser, { language, who })

async function newTab(context) {
  const page = await context.newPage()
  return { page, complaints: watched(page) }
}

const label = ({ stop, widths, language }, width = widths[0]) => `${stop.name} ${width} ${language}`

async function shot(page, job, width) {
  if (job.stop.name === 'spoiled') return
  const dir = path.resolve(import.meta.dirname, 'out')
  fs.mkdirSync(dir, { recursive: true })
  await page.screenshot({ path: path.join(dir, `${label(job, width).replaceAll(' ', '-')}.png`) }).catch(() => undefined)
}

/** What the planted faults are reported as: each kind, at both widths where both are looked at. */
const PLANTED = [
  'B3 spoiled 360', 'B4 spoiled 360 en: light: color-contrast', 'B4 spoiled 1280 en: light: color-contrast',
  'policy: img-src', 'console: spoiled', 'B6 spoiled 360 en', 'B6 spoiled 360 fr', 'B10 spoiled 360', 'B10 spoiled 1280',
  'hole spoiled 360', 'hole spoiled 1280',
]

/** Breaks one page on purpose: a check that misses its fault is itself the failure. */
async function spoiled(browser, fail) {
  const found = []
  for (const look of LOOKS) {
    const context = await open(browser, look)
    const job = { ...look, stop: { name: 'spoiled', path: '/login' } }
    await visit(await newTab(context), job, (what) => found.push(what), () => {
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
      const image = new Image()
      image.src = 'https://elsewhere.invalid/pixel.png'
      document.body.append(image)
      console.error('spoiled')
    })
    await context.close()
  }
  for (const sign of PLANTED) {
    if (!found.some((what) => what.includes(sign))) fail(`the walk does not notice a planted fault: ${sign}`)
  }
}

/** Looks at one page at both widths, and returns what of it is compared with other pages. */
async function visit({ page, complaints }, job, report, spoil) {
  const { stop, widths, language } = job
  const noted = []
  let failed = false
  const fail = (bar, width, what) => {
    failed = true
    report(`${bar} ${label(job, width)}: ${what}`)
  }
  const show = (width) => page.setViewportSize({ width, height: HEIGHTS[width] })
  complaints.length = 0
  await show(widths[0])
  await page.goto(base + stop.path)
  await settled(page)
  if (spoil) {
    await page.evaluate(spoil)
    await page.waitForTimeout(100) // shifts and refusals are reported a frame later
  }
  if (job.axe) await page.evaluate(axe)
  for (const width of widths) {
    failed = false
    if (width !== widths[0]) {
      await show(width)
      await settled(page)
    }
    if (language === 'pseudo') for (const what of await page.evaluate(clipped)) fail('B10', width, `clipped: ${what}`)
    const scroll = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    if (scroll > 0) fail('B6', width, `scrolls sideways by ${scroll} px`)
    if (width === PHONE && language !== 'pseudo') for (const what of await page.evaluate(tooMuch, { nodes: PHONE_NODES, cards: stop.name === 'calls' ? PHONE_CALLS : 0 })) fail('phone', width, what)
    if (job.axe) {
      for (const scheme of ['light', 'dark']) for (const what of await accessible(page, scheme)) fail('B4', width, `${scheme}: ${what}`)
    }
    const { hole, ...frame } = await page.evaluate(framed)
    if (hole.size > GAP) fail('hole', width, `nothing for ${hole.size} px above ${hole.above}`)
    if (!stop.guest) noted.push({ ...frame, width, language, name: stop.name, tabs: stop.tabs, address: stop.path.split(/[?#]/)[0] })
    const { shift } = await page.evaluate(() => window.__seen)
    if (width === widths[0] && shift > CLS) fail('B3', width, `layout shift ${shift.toFixed(3)}`)
    if (failed) await shot(page, job, width)
  }
  for (const what of await page.evaluate(() => window.__seen.policy)) fail('B5', widths[0], `policy: ${what}`)
  for (const what of complaints) fail('B5', widths[0], what)
  return noted
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
function accessible(page, scheme) {
  return page.evaluate(async (scheme) => {
    document.documentElement.setAttribute('data-mantine-color-scheme', scheme)
    const rules = scheme === 'dark' ? { type: 'rule', values: ['color-contrast'] }
      : { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
    // Colour changes animate for a moment; a half-faded colour is nobody's fault.
    for (const a of document.getAnimations()) if (a.effect?.getComputedTiming().iterations !== Infinity) a.finish()
    const { violations } = await window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] })
    return violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id} at ${n.target.join(' ')} (${n.any[0]?.message ?? v.help})`))
  }, scheme)
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
