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

/**
 * Tells the browser early about two things it would otherwise discover late: the font, and the catalogue of the
 * language in use. The catalogues' names are left in <meta> for boot.js, which knows the language.
 */
export function hints() {
  return {
    name: 'pocketline:hints',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const tags = []
        for (const item of Object.values(bundle ?? {})) {
          if (item.type === 'asset' && /inter-latin-wght-normal.*\.woff2$/.test(item.fileName)) {
            tags.push({
              tag: 'link', injectTo: 'head',
              attrs: { rel: 'preload', as: 'font', type: 'font/woff2', href: '/' + item.fileName, crossorigin: '' },
            })
          }
          const language = item.type === 'chunk' && /locales\/(en|fr)\.json$/.exec(item.facadeModuleId ?? '')?.[1]
          if (language) tags.push({ tag: 'meta', injectTo: 'head-prepend', attrs: { name: 'catalogue-' + language, content: '/' + item.fileName } })
        }
        return tags
      },
    },
  }
}

/**
 * Puts what the first page needs into one file. Left alone, every module that a later page shares with it becomes a file of
 * its own, and seventy small files take a dozen round trips over six connections. Which modules those are is known only
 * after a build, so scripts/build.mjs builds once to see and once to keep.
 */
export function firstPage(modules) {
  const needed = new Set(modules)
  return (id) => (needed.has(id) ? 'app' : undefined)
}

/** The modules of the files a page loads before anything else, from a finished build. */
export function modulesOfFirstPage({ output }) {
  const files = new Map(output.filter((one) => one.type === 'chunk').map((one) => [one.fileName, one]))
  const open = [...files.values()].filter((one) => one.isEntry).map((one) => one.fileName)
  const seen = new Set()
  const modules = []
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const file = files.get(name)
    if (!file || seen.has(name)) continue
    seen.add(name)
    modules.push(...file.moduleIds.filter((id) => !/\.css(\?|$)/.test(id)))
    open.push(...file.imports)
  }
  return modules
}
