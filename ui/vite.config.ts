import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { drawn, hints } from './scripts/vite-plugins.mjs'

const server = 'http://127.0.0.1:8090'

export default defineConfig({
  plugins: [react(), hints(), drawn()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2022',
    // Inlined files would become data: addresses, which the page's policy refuses for fonts and scripts.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: { input: 'index.html' },
  },
  server: {
    port: 5173,
    proxy: { '/api': server, '/functions': server, '/_': server },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
    css: false,
    restoreMocks: true,
    // For a machine that does other things too: what is waited for is a condition, never this time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
