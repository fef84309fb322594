import { cleanup, configure } from '@testing-library/react'
import { afterEach, beforeEach } from 'vitest'
import { setLanguage } from './lib/i18n'

configure({ asyncUtilTimeout: 60_000 })

// happy-dom has no layout; Mantine asks for these.
Object.assign(window, {
  ResizeObserver: class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
})

// Growing text fields wait for the fonts.
Object.assign(document, { fonts: new EventTarget() })

beforeEach(async () => {
  localStorage.clear()
  await setLanguage('en')
})
afterEach(cleanup)
