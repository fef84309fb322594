import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { I18nProvider, preferredLanguage, setLanguage } from './lib/i18n'
import { keys } from './lib/prefs'
import { queries } from './lib/queries'
import { replaceStart } from './lib/start'
import './mantine.css'
import './styles.css'
import 'virtual:drawn.css'
import { router } from './router'
import { cssVariablesResolver, theme } from './theme'

// Styles made at run time carry the page's nonce, or its policy refuses them.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
setNonce(nonce)

// A file of an older version is gone after an upgrade: load the page again, once, so that a broken server cannot loop it.
window.addEventListener('vite:preloadError', (event) => {
  const tried = Number(sessionStorage.getItem('pocketline.reloaded') ?? 0)
  if (Date.now() - tried < 60_000) return
  sessionStorage.setItem('pocketline.reloaded', String(Date.now()))
  event.preventDefault()
  window.location.reload()
})

const colorScheme = localStorageColorSchemeManager({ key: keys.theme })

const drawnBefore = router.subscribe('onRendered', () => {
  drawnBefore()
  replaceStart()
})

await setLanguage(preferredLanguage())
// A transition is drawn in small steps, so that the browser stays free for whoever types or scrolls meanwhile.
startTransition(() => createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} colorSchemeManager={colorScheme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <I18nProvider>
          <RouterProvider router={router} />
        </I18nProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
))
