// Builds the dashboard: once to see which modules belong together and what the sign-in page looks like, once more with
// those in one file and the page drawn before any of them runs.
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { compressed, drawn, together } from './vite-plugins.mjs'

const draw = async (folder, language) => {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'draw.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder, language], { maxBuffer: 10_000_000 })
  return [language, JSON.parse(stdout)]
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pocketline-ui-'))
try {
  const seen = await build({ logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } })
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}') // the drawing runs these files in Node
  const manualChunks = together(Array.isArray(seen) ? seen[0] : seen)
  const drawings = Object.fromEntries(await Promise.all(['en', 'fr'].map((language) => draw(folder, language))))
  await build({ plugins: [drawn(drawings), compressed()], build: { rollupOptions: { output: { manualChunks } } } })
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
