import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'

const brotli = promisify(zlib.brotliCompress)
const gzip = promisify(zlib.gzip)

// Below this size the headers cost more than the compression saves.
const SMALLEST = 512

/** Writes .br and .gz beside every text file of the build, so that the server never compresses a static file itself. */
export function compressed() {
  let outDir = ''
  return {
    name: 'pocketline:compressed',
    apply: 'build',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    async closeBundle() {
      const files = fs.readdirSync(outDir, { recursive: true, withFileTypes: true })
        .filter((f) => f.isFile() && /\.(js|css|svg|json|webmanifest)$/.test(f.name))
        .map((f) => path.join(f.parentPath, f.name))
      await Promise.all(files.map(async (file) => {
        const data = fs.readFileSync(file)
        if (data.length < SMALLEST) return
        const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: data.length }
        const [br, gz] = await Promise.all([brotli(data, { params }), gzip(data, { level: 9 })])
        fs.writeFileSync(file + '.br', br)
        fs.writeFileSync(file + '.gz', gz)
      }))
    },
  }
}

const DRAWN_CSS = 'virtual:drawn.css'
const NOT_DRAWN = 'var drawn = {}'

/**
 * Gives the browser the sign-in page as scripts/draw.mjs drew it: the markup in boot.js, which therefore gets a name with a
 * hash, the styles in the page's sheet. Without drawings (tests, `npm run dev`) both are empty.
 */
export function drawn(drawings) {
  const css = [...new Set(Object.values(drawings ?? {}).flatMap((one) => one.css.split('\n')))].join('\n')
  let file = ''
  let source = ''
  let plain = ''
  return {
    name: 'pocketline:drawn' + (drawings ? '' : ':nothing'),
    enforce: drawings ? 'pre' : undefined,
    resolveId: (id) => (id === DRAWN_CSS ? id : undefined),
    load: (id) => (id === DRAWN_CSS ? css : undefined),
    configResolved(config) {
      if (!drawings) return
      plain = path.resolve(config.root, config.build.outDir, 'boot.js')
      const boot = fs.readFileSync(path.join(config.root, 'public/boot.js'), 'utf8')
      if (!boot.includes(NOT_DRAWN)) throw new Error(`public/boot.js has no place for the drawings: "${NOT_DRAWN}"`)
      const pages = JSON.stringify(Object.fromEntries(Object.entries(drawings).map(([language, { html }]) => [language, html])))
      source = boot.replace(NOT_DRAWN, () => `var drawn = ${pages}`)
      file = `assets/boot-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`
    },
    generateBundle() {
      if (file) this.emitFile({ type: 'asset', fileName: file, source })
    },
    writeBundle() {
      if (file) fs.rmSync(plain, { force: true }) // copied from public/; nothing asks for it by that name any more
    },
    transformIndexHtml: { order: 'post', handler: (html) => (file ? html.replace('"/boot.js"', `"/${file}"`) : html) },
  }
}

/**
 * Tells the browser early about what it would otherwise discover late: the font, the catalogue of the language in use, and
 * for signed-in people the frame around every page. Their names are left in <meta> for boot.js, which knows who comes.
 */
export function hints() {
  let outDir = ''
  const ahead = { file: '', source: '' }
  return {
    name: 'pocketline:hints',
    apply: 'build',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    writeBundle() {
      if (ahead.file) fs.writeFileSync(path.join(outDir, ahead.file), ahead.source)
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const tags = []
        const frame = []
        const name = (name, ...files) => tags.push({ tag: 'meta', injectTo: 'head-prepend', attrs: { name, content: files.map((file) => '/' + file).join(' ') } })
        for (const item of Object.values(bundle ?? {})) {
          if (item.type === 'asset' && /inter-latin-wght-normal.*\.woff2$/.test(item.fileName)) {
            tags.push({
              tag: 'link', injectTo: 'head',
              attrs: { rel: 'preload', as: 'font', type: 'font/woff2', href: '/' + item.fileName, crossorigin: '' },
            })
          }
          if (item.type !== 'chunk') continue
          const [, part, language] = /locales\/(?:(calls)\/)?(en|fr)\.json$/.exec(item.facadeModuleId ?? '') ?? []
          if (language) name(`${part ? 'words' : 'catalogue'}-${language}`, item.fileName)
          // Two files: the modules, and a line that gives them their names.
          if (item.name === FRAME) frame.push(item.fileName, ...(item.viteMetadata?.importedCss ?? []))
        }
        if (frame.length > 0) name('frame', ...frame)
        ahead.source = JSON.stringify(filesAhead(Object.values(bundle ?? {})))
        ahead.file = `assets/ahead-${createHash('sha256').update(ahead.source).digest('hex').slice(0, 8)}.json`
        name('ahead', ahead.file)
        return tags
      },
    },
  }
}

/** What src/shell/ahead.ts fetches: the code and the styles of all pages but the first, and the words by their language. */
function filesAhead(bundle) {
  const files = { pages: [], words: { en: [], fr: [] } }
  for (const item of bundle.toSorted((a, b) => (a.fileName < b.fileName ? -1 : 1))) {
    if (!/\.(js|css)$/.test(item.fileName) || item.isEntry) continue
    const [, language] = /locales\/(?:[a-z]+\/)?(en|fr)\.json$/.exec(item.facadeModuleId ?? '') ?? []
    const list = language ? files.words[language] : files.pages
    list.push('/' + item.fileName)
  }
  return files
}

const FRAME = 'frame'

// Which pages share a file. What the first page needs is 'app'; these are loaded after it, each named by where it begins.
const TOGETHER = {
  // What a signed-in visit begins with.
  [FRAME]: ['frame.ts'],
  // Said on any page, and only after something was done.
  toasts: ['components/Toasts.tsx'],
  // What every signed-in page fetches once it is idle.
  menus: ['shell/ProfileMenu.tsx', 'shell/OrgMenu.tsx'],
}

/**
 * Puts what a page needs into one file. Left alone, every module that a later page shares with it becomes a file of its
 * own, and seventy small files take a dozen round trips over six connections. Which modules those are is known only after
 * a build, so scripts/build.mjs builds once to see and once to keep.
 */
export function together({ output }) {
  const files = new Map(output.filter((one) => one.type === 'chunk').map((one) => [one.fileName, one]))
  const group = new Map()
  const collect = (name, open) => {
    const seen = new Set()
    for (let file = files.get(open.pop()); file; file = files.get(open.pop())) {
      if (seen.has(file)) continue
      seen.add(file)
      for (const id of file.moduleIds) {
        // The styles of modules belong to them; those of the whole page have their own order.
        if (!group.has(id) && (name !== 'app' ? !id.endsWith('.json') : !/\.css(\?|$)/.test(id))) group.set(id, name)
      }
      open.push(...file.imports.filter((one) => files.has(one)))
    }
  }
  collect('app', [...files.values()].filter((one) => one.isEntry).map((one) => one.fileName))
  for (const [name, ends] of Object.entries(TOGETHER)) {
    const begin = ends.map((end) => [...files.values()].find((one) => one.facadeModuleId?.endsWith('/src/' + end)))
    const missing = ends.filter((_, i) => !begin[i])
    if (missing.length > 0) throw new Error(`no file begins with ${missing.join(', ')}: is it still loaded lazily?`)
    collect(name, begin.map((one) => one.fileName))
  }
  return (id) => group.get(id)
}
