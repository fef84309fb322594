import { cleanup } from '@testing-library/react'
import { afterEach, beforeEach } from 'vitest'
import { setLanguage } from './lib/i18n'

// happy-dom has no layout; Mantine asks for these.
Object.assign(window, {
  ResizeObserver: class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
})

beforeEach(async () => {
  localStorage.clear()
  await setLanguage('en')
})
afterEach(cleanup)
