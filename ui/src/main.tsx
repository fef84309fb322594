import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { StrictMode, startTransition } from 'react'
import { createRoot } from 'react-dom/client'
import { followFocus } from './lib/focus'
import { I18nProvider, preferredLanguage, setLanguage } from './lib/i18n'
import { keys } from './lib/prefs'
import { queries } from './lib/queries'
import { watchNetwork } from './lib/reach'
import { replaceStart } from './lib/start'
import './mantine.css'
import './styles.css'
import 'virtual:drawn.css'
import { router } from './router'
import { cssVariablesResolver, theme } from './theme'

// Styles made at run time carry the page's nonce, or its policy refuses them.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
setNonce(nonce)

const colorScheme = localStorageColorSchemeManager({ key: keys.theme })

followFocus()
watchNetwork()

const drawnBefore = router.subscribe('onRendered', () => {
  drawnBefore()
  replaceStart()
})

await setLanguage(preferredLanguage())
// A transition is drawn in small steps, so that the browser stays free for whoever types or scrolls meanwhile.
startTransition(() =>
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariablesResolver}
        colorSchemeManager={colorScheme}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={queries}>
          <I18nProvider>
            <RouterProvider router={router} />
          </I18nProvider>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  ),
)
