// Builds the dashboard: once to see which modules the first page needs, once more with those in one file.
import { build } from 'vite'
import { firstPage, modulesOfFirstPage } from './vite-plugins.mjs'

const seen = await build({ logLevel: 'warn', build: { write: false } })
const modules = modulesOfFirstPage(Array.isArray(seen) ? seen[0] : seen)
await build({ build: { rollupOptions: { output: { manualChunks: firstPage(modules) } } } })
