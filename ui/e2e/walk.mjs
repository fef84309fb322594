// B3 to B6 and B10: every route × light/dark × 360/1280 × en/fr, and once in the pseudo language.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { base, parallel, profile, settled, watched } from './browser.mjs'
import { routes } from './routes.mjs'

const CLS = 0.1
const WIDTHS = [360, 1280]
// Chromium on two cores is busy with four pages; more only makes each slower.
const PAGES = 4

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
  const jobs = []
  for (const width of WIDTHS) for (const language of ['en', 'fr', 'pseudo']) for (const stop of chosen) jobs.push({ width, language, stop })

  await spoiled(browser, fail)

  const contexts = new Map()
  const open = ({ width, language, stop }) => {
    const key = `${width} ${language} ${stop.guest ? 'guest' : 'member'}`
    if (!contexts.has(key)) contexts.set(key, profile(browser, { width, language, height: width === 360 ? 740 : 900, who: stop.guest ? undefined : who }))
    return contexts.get(key)
  }
  await parallel(jobs, PAGES, async (job) => {
    const page = await (await open(job)).newPage()
    try {
      await visit(page, job, fail)
    } catch (error) {
      fail(`${label(job)}: ${error.message.split('\n')[0]}`)
      await shot(page, job)
    } finally {
      await page.close()
    }
  })
  for (const context of contexts.values()) await (await context).close()
  return `${jobs.length} pages, ${chosen.length} routes`
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
  const job = { stop: { name: 'spoiled', path: '/login' }, width: 360 }
  for (const language of ['en', 'pseudo']) {
    const context = await profile(browser, { width: 360, height: 740, language })
    const page = await context.newPage()
    await visit(page, { ...job, language }, (what) => found.push(what), () => {
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
  for (const sign of ['B3 ', 'color-contrast', 'policy: img-src', 'console: spoiled', 'B6 ', 'B10 ']) {
    if (!found.some((what) => what.includes(sign))) fail(`the walk does not notice a planted fault: ${sign.trim()}`)
  }
}

async function visit(page, job, report, spoil) {
  let failed = false
  const fail = (bar, what) => {
    failed = true
    report(`${bar} ${label(job)}: ${what}`)
  }
  const complaints = watched(page)
  await page.goto(base + job.stop.path)
  await settled(page)
  if (spoil) {
    await page.evaluate(spoil)
    await page.waitForTimeout(100) // shifts and refusals are reported a frame later
  }
  if (job.language === 'pseudo') {
    for (const what of await page.evaluate(clipped)) fail('B10', `clipped: ${what}`)
  } else {
    for (const scheme of ['light', 'dark']) {
      await page.evaluate((s) => document.documentElement.setAttribute('data-mantine-color-scheme', s), scheme)
      for (const what of await accessible(page, scheme === 'dark')) fail('B4', `${scheme}: ${what}`)
    }
  }
  const scroll = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  if (scroll > 0) fail('B6', `scrolls sideways by ${scroll} px`)
  const seen = await page.evaluate(() => window.__seen)
  if (seen.shift > CLS) fail('B3', `layout shift ${seen.shift.toFixed(3)}`)
  for (const what of seen.policy) fail('B5', `policy: ${what}`)
  for (const what of complaints) fail('B5', what)
  if (failed) await shot(page, job)
}

/** Second scheme: only colours can differ, so only contrast is asked again. */
async function accessible(page, contrastOnly) {
  await page.evaluate(`window.axe || (() => { ${axe} })()`)
  return page.evaluate(async (contrastOnly) => {
    const options = contrastOnly ? { runOnly: { type: 'rule', values: ['color-contrast'] } } : { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } }
    // Colour changes animate for a moment; a half-faded colour is nobody's fault.
    await Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined)))
    const { violations } = await window.axe.run(document, { ...options, resultTypes: ['violations'] })
    return violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id} at ${n.target.join(' ')} (${n.any[0]?.message ?? v.help})`))
  }, contrastOnly)
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
