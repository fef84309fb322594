import { Notifications } from '@mantine/notifications'
import '@mantine/notifications/styles.layer.css'
import { useEffect } from 'react'

const POSITION = 'bottom-left'

/**
 * Toasts cover nothing: they have a place of their own, as high as they are (`--pl-toasts`). It is the left bar's end; on a phone
 * the page, its bottom bar and the bar of a changed form stand above it. Loaded after the page, as nothing can be said before
 * something was done.
 */
export function Toasts() {
  useEffect(() => {
    const root = document.querySelector(`.mantine-Notifications-root[data-position='${POSITION}']`)
    if (!root) return
    const page = document.documentElement
    const measure = new ResizeObserver(() => page.style.setProperty('--pl-toasts', root.clientHeight > 0 ? `calc(${root.clientHeight}px + 0.75rem)` : '0px'))
    measure.observe(root)
    return () => {
      measure.disconnect()
      page.style.removeProperty('--pl-toasts')
    }
  }, [])
  return <Notifications position={POSITION} limit={4} />
}
