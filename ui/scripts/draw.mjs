// Draws the sign-in page of a finished build as a browser would, without one, and says what it drew:
//   node scripts/draw.mjs <folder of the build> <language>
// vite-plugins.mjs puts the drawing into the first file the browser runs, so that people see the form, and can type,
// while the application is still on its way.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { builtinEnvironments } from 'vitest/runtime'

const LONGEST_MS = 30_000

const [folder, language] = process.argv.slice(2)
await builtinEnvironments['happy-dom'].setup(globalThis, { happyDOM: { url: 'http://localhost/login', settings: { disableJavaScriptFileLoading: true, disableCSSFileLoading: true, handleDisabledFileLoadingAsSuccess: true } } })
localStorage.setItem('pocketline.language', language)
// Everything that a server may offer is drawn; boot.js shows what the one asked does offer.
const desk = { version: '', sandbox: true, setup_needed: false, public_url: '', sign_up: 'open', mail: false }
globalThis.fetch = async (url) => (String(url).endsWith('/api/desk') ? Response.json(desk) : Response.json({}, { status: 404 }))

const index = fs.readFileSync(path.join(folder, 'index.html'), 'utf8')
document.body.innerHTML = '<div id="root"></div>'
for (const [, file] of index.matchAll(/<script type="module"[^>]* src="\/([^"]+)"/g)) await import(pathToFileURL(path.join(folder, file)).href)

const root = document.getElementById('root')
const started = Date.now()
while (!root.querySelector('form') || !root.querySelector('a[href^="/register"]')) {
  if (Date.now() - started > LONGEST_MS) throw new Error(`the sign-in page was not drawn: ${root.innerHTML.slice(0, 500)}`)
  await new Promise((resolve) => setTimeout(resolve, 20))
}

// What the styles made at run time would be; the rest of the sheets is in files.
const css = [...document.querySelectorAll('style')].map((style) => style.textContent).join('\n')
const page = root.querySelector('main').parentElement
for (const style of page.querySelectorAll('style')) style.remove()
// The page's policy refuses style attributes in HTML.
const classes = new Map()
for (const element of [page, ...page.querySelectorAll('[style]')]) {
  const rule = element.getAttribute('style')
  if (!rule) continue
  const name = `pl-${createHash('sha256').update(rule).digest('hex').slice(0, 6)}`
  classes.set(name, rule)
  element.classList.add(name)
  element.removeAttribute('style')
}
// Random in each run; a build of the same sources is the same build.
for (const [i, input] of [...page.querySelectorAll('input')].entries()) {
  const label = page.querySelector(`label[for="${input.id}"]`)
  label.removeAttribute('id')
  input.id = label.htmlFor = `start-${i}`
}
const offers = [['a[href^="/register"]', 'sign_up'], ['main > :last-child span', 'sandbox']]
for (const [selector, name] of offers) {
  const element = page.querySelector(selector)
  if (!element) throw new Error(`the sign-in page has no ${selector} any more`)
  element.setAttribute('data-offer', name)
  element.setAttribute('hidden', '')
}
// Without the application nothing may be sent: a form without it would put what was typed into the address.
for (const input of page.querySelectorAll('input')) input.removeAttribute('name')
process.stdout.write(JSON.stringify({
  html: page.outerHTML,
  css: [css, ...[...classes].map(([name, rule]) => `#start .${name} { ${rule} }`)].join('\n'),
}))
process.exit(0)
