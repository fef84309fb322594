import { RealtimeService } from 'pocketbase'
import { pb } from '../../lib/pb'
import type { Me } from '../../lib/session'

/** The other service did not sign the person in, or its window never came back. */
export class NotSignedInElsewhere extends Error {}

interface Back {
  state?: string
  code?: string
  error?: string
}

// How often a look is taken at whether the other window is still there.
const LOOK_MS = 500

/**
 * Signs in with an account elsewhere, in a window of its own. `onClosed` hears that this window was closed, or can be seen no
 * more: some services cut the tie to whoever opened them, so it is no failure yet. `signal` gives up.
 */
export async function signInElsewhere(provider: string, signal: AbortSignal, onClosed: () => void) {
  // Before anything is awaited: browsers open windows only for somebody who has just pressed.
  const other = window.open('', 'pocketline.elsewhere', windowFeatures())
  const hub = new RealtimeService(pb)
  let look: ReturnType<typeof setInterval> | undefined
  try {
    const users = pb.collection('users')
    const found = (await users.listAuthMethods({ signal })).oauth2.providers.find(({ name }) => name === provider)
    if (!found || !other) throw new NotSignedInElsewhere()
    const redirect = pb.buildURL('/api/oauth2-redirect')
    const code = await new Promise<string>((resolve, reject) => {
      const refuse = () => reject(new NotSignedInElsewhere())
      signal.addEventListener('abort', refuse)
      hub.onDisconnect = (topics) => {
        if (topics.length > 0) refuse()
      }
      hub.subscribe('@oauth2', ({ state, code: given, error }: Back) => (state === hub.clientId && given && !error ? resolve(given) : refuse())).then(() => {
        const url = new URL(found.authURL + encodeURIComponent(redirect))
        url.searchParams.set('state', hub.clientId)
        other.location.replace(url)
        look = setInterval(() => {
          if (!other.closed) return
          clearInterval(look)
          onClosed()
        }, LOOK_MS)
      }).catch(reject)
    })
    return await users.authWithOAuth2Code<Me>(provider, code, found.codeVerifier, redirect)
  } finally {
    clearInterval(look)
    other?.close()
    hub.unsubscribe().catch(() => undefined) // nobody listens any more either way
  }
}

/** In the middle of this window, no larger than the screen. */
function windowFeatures(): string {
  const [width, height] = [Math.min(1024, window.screen.availWidth), Math.min(768, window.screen.availHeight)]
  const [left, top] = [window.screenX + (window.outerWidth - width) / 2, window.screenY + (window.outerHeight - height) / 2]
  return `popup,width=${width},height=${height},left=${Math.max(0, left)},top=${Math.max(0, top)}`
}
