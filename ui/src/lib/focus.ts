import { useEffect } from 'react'

let last: HTMLElement | undefined

/** Remembers what has the focus: of a menu, which is gone once something in it was chosen, the button that opened it. */
export function followFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    const menu = (target as Element).closest('[role="menu"]')?.getAttribute('aria-labelledby')
    last = (menu && document.getElementById(menu)) || (target as HTMLElement)
  })
}

/** Gives the focus back to what had it before something opened, unless it has gone elsewhere meanwhile. */
export function useFocusBack(opened = true): void {
  useEffect(() => {
    if (!opened) return
    const before = last
    return () => {
      const now = document.activeElement
      if (before?.isConnected && (!now || now === document.body || now.closest('[role="dialog"]'))) before.focus({ preventScroll: true })
    }
  }, [opened])
}
