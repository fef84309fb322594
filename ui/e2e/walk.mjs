// B3 to B6 and B10: every route in English, French and the pseudo language, narrow and wide, light and dark.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { base, parallel, profile, settled, watched } from './browser.mjs'
import { routes } from './routes.mjs'

const CLS = 0.1
const HEIGHTS = { 360: 740, 1280: 900 }
// What a load shows, shifts and refusals among it, is seen in two languages at each width. `then` is another width of the
// same page: what fits there needs no load of its own. Roles, names and contrast are the same in every language, so
// English alone is asked for them.
const LOOKS = [
  { width: 360, language: 'en', axe: true },
  { width: 1280, language: 'en', axe: true },
  { width: 360, language: 'fr', then: 1280 },
  { width: 1280, language: 'pseudo', then: 360 },
]
// A page waits for the server and for frames about half of its time.
const PAGES = 2 * os.availableParallelism()

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export async function walk(browser, who, fail) {
  const desk = await (await fetch(base + '/api/desk')).json()
  const stops = []
  for (const route of routes) {
    if (route.needs === 'setup' && !desk.setup_needed) continue
    stops.push({ ...route, path: typeof route.path === 'function' ? await route.path(who) : route.path })
  }
  const only = process.env.E2E_ONLY?.split(',')
  const chosen = only ? stops.filter((s) => only.includes(s.name)) : stops

  await spoiled(browser, fail)

  for (const look of LOOKS) {
    const contexts = { guest: await open(browser, look), member: await open(browser, look, who) }
    // A tab stays open for the next page: a new one costs as much as the page.
    const tabs = { guest: [], member: [] }
    await parallel(chosen, PAGES, async (stop) => {
      const job = { ...look, stop }
      const as = stop.guest ? 'guest' : 'member'
      const tab = tabs[as].pop() ?? await newTab(contexts[as])
      try {
        await visit(tab, job, fail)
        tabs[as].push(tab)
      } catch (error) {
        fail(`${label(job)}: ${error.message.split('\n')[0]}`)
        await shot(tab.page, job)
        await tab.page.close()
      }
    })
    for (const context of Object.values(contexts)) await context.close()
  }
  return `${LOOKS.length * chosen.length} loads, ${chosen.length} routes`
}

const open = (browser, { width, language }, who) => profile(browser, { width, language, height: HEIGHTS[width], who })

async function newTab(context) {
  const page = await context.newPage()
  return { page, complaints: watched(page) }
}

const label = ({ stop, width, language }) => `${stop.name} ${width} ${language}`

async function shot(page, job) {
  if (job.stop.name === 'spoiled') return
  const dir = path.resolve(import.meta.dirname, 'out')
  fs.mkdirSync(dir, { recursive: true })
  await page.screenshot({ path: path.join(dir, `${label(job).replaceAll(' ', '-')}.png`) }).catch(() => undefined)
}

/** Breaks one page on purpose: a check that misses its fault is itself the failure. */
async function spoiled(browser, fail) {
  const found = []
  for (const look of [LOOKS[0], LOOKS.at(-1)]) {
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
      add('width:40px;overflow:hidden;white-space:nowrap', 'cut off words ~~~~')
      add('height:700px', '')
      const image = new Image()
      image.src = 'https://elsewhere.invalid/pixel.png'
      document.body.append(image)
      console.error('spoiled')
    })
    await context.close()
  }
  for (const sign of ['B3 ', 'color-contrast', 'policy: img-src', 'console: spoiled', 'B6 spoiled 360 en', 'B6 spoiled 360 pseudo', 'B10 spoiled 1280', 'B10 spoiled 360']) {
    if (!found.some((what) => what.includes(sign))) fail(`the walk does not notice a planted fault: ${sign.trim()}`)
  }
}

async function visit({ page, complaints }, job, report, spoil) {
  let failed = false
  const fail = (bar, what, at = job) => {
    failed = true
    report(`${bar} ${label(at)}: ${what}`)
  }
  const fits = async (at) => {
    if (job.language === 'pseudo') for (const what of await page.evaluate(clipped)) fail('B10', `clipped: ${what}`, at)
    const scroll = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    if (scroll > 0) fail('B6', `scrolls sideways by ${scroll} px`, at)
  }
  complaints.length = 0
  await page.goto(base + job.stop.path)
  await settled(page)
  if (spoil) {
    await page.evaluate(spoil)
    await page.waitForTimeout(100) // shifts and refusals are reported a frame later
  }
  await fits(job)
  if (job.axe) {
    await page.evaluate(axe)
    for (const scheme of ['light', 'dark']) {
      for (const what of await accessible(page, scheme)) fail('B4', `${scheme}: ${what}`)
    }
  }
  const seen = await page.evaluate(() => window.__seen)
  if (seen.shift > CLS) fail('B3', `layout shift ${seen.shift.toFixed(3)}`)
  if (job.then) {
    const other = { ...job, width: job.then }
    await page.setViewportSize({ width: job.then, height: HEIGHTS[job.then] })
    await settled(page)
    await fits(other)
    if (failed) await shot(page, other)
    await page.setViewportSize({ width: job.width, height: HEIGHTS[job.width] })
  }
  for (const what of await page.evaluate(() => window.__seen.policy)) fail('B5', `policy: ${what}`)
  for (const what of complaints) fail('B5', what)
  if (failed) await shot(page, job)
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

/** Texts of ours (they end in the pseudo language's tildes) that do not fit where they stand. */
function clipped() {
  const found = []
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join('')
    if (!own.includes('~') || element.closest('[aria-hidden="true"], .mantine-VisuallyHidden-root')) continue
    const box = element.getBoundingClientRect()
    if (box.width === 0 || box.bottom < 0) continue
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
    if (box.right > window.innerWidth + 1) found.push(`"${own.trim().slice(0, 50)}" leaves the screen`)
  }
  return found
}
