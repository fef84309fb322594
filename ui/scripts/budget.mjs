// The size bars (B1) of the built dashboard. Exits 1 and names what is too big.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { fileURLToPath } from 'node:url'

const KB = 1000
const BARS = { initial: 200 * KB, home: 240 * KB, chunk: 80 * KB, webcall: 95 * KB, css: 45 * KB, fonts: 60 * KB, dist: 6_000 * KB }

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../dist')
if (!fs.existsSync(path.join(dist, 'index.html'))) {
  console.error('budget: dist/index.html is missing; run `npm run build` first')
  process.exit(1)
}

const gz = (name) => zlib.gzipSync(fs.readFileSync(path.join(dist, name)), { level: 9 }).length
const html = fs.readFileSync(path.join(dist, 'index.html'), 'utf8')
const files = fs.readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((f) => f.isFile()).map((f) => path.relative(dist, path.join(f.parentPath, f.name)))
const scripts = files.filter((f) => f.endsWith('.js'))
const plain = files.filter((f) => !/\.(br|gz)$/.test(f))

/** Scripts a file needs at once: its static imports, followed to the end. */
function closure(names) {
  const seen = new Set()
  const visit = (name) => {
    if (seen.has(name) || !scripts.includes(name)) return
    seen.add(name)
    const code = fs.readFileSync(path.join(dist, name), 'utf8')
    for (const m of code.matchAll(/(?:^|[;}\s])(?:import|export)\s*(?:[^"'();]*?\bfrom\s*)?["'](\.\/[^"']+\.js)["']/g)) {
      visit(path.join(path.dirname(name), m[1]))
    }
  }
  names.forEach(visit)
  return seen
}
const sum = (names) => [...names].reduce((n, f) => n + gz(f), 0)
const referenced = (pattern) => [...html.matchAll(pattern)].map((m) => m[1].slice(1))

// A reader needs one catalogue, not both: the bigger one counts.
const catalogues = referenced(/<meta name="catalogue-[a-z]+" content="([^"]+)"/g)
const catalogue = catalogues.sort((a, b) => gz(b) - gz(a)).slice(0, 1)
const initial = closure([...referenced(/<script[^>]*src="([^"]+\.js)"/g), ...referenced(/<link[^>]*rel="modulepreload"[^>]*href="([^"]+)"/g), ...catalogue])
const named = (pattern) => scripts.filter((f) => pattern.test(path.basename(f)))
const home = closure([...initial, ...named(/^(frame|SignedIn|HomePage)-/)])
const css = files.filter((f) => f.endsWith('.css'))
const initialCss = css.filter((f) => html.includes('/' + f))

const results = [
  ['initial JS', sum(initial), BARS.initial],
  ['signed-in home JS', sum(home), BARS.home],
  ['initial CSS', sum(initialCss), BARS.css],
  ['all CSS', sum(css), BARS.css],
  ['fonts', plain.filter((f) => /\.woff2?$/.test(f)).reduce((n, f) => n + fs.statSync(path.join(dist, f)).size, 0), BARS.fonts],
  ['dist, raw', plain.reduce((n, f) => n + fs.statSync(path.join(dist, f)).size, 0), BARS.dist],
  ...scripts.filter((f) => !initial.has(f)).map((f) => [f, gz(f), /webcall/i.test(f) ? BARS.webcall : BARS.chunk]),
]
let failed = catalogues.length === 2 ? 0 : 1
if (failed) console.error('budget: index.html does not name both catalogues')
const everything = process.argv.includes('--all')
for (const [name, size, bar] of results) {
  const over = size > bar
  if (over) failed++
  if (over || everything || !String(name).startsWith('assets/')) {
    console.log(`${over ? 'OVER ' : 'ok   '} ${String(name).padEnd(44)} ${(size / KB).toFixed(1).padStart(8)} KB of ${bar / KB}`)
  }
}
process.exit(failed ? 1 : 0)
