import { startTransition, useEffect, useState } from 'react'

// A page that never rests still gets what it put off, this long after it appeared.
const LONGEST_MS = 2_000

/** False while the page is busy appearing, then true for good: what nobody can need before waits for it. */
export function useIdle(): boolean {
  const [idle, setIdle] = useState(false)
  useEffect(() => {
    const now = () => startTransition(() => setIdle(true))
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(now, LONGEST_MS) // Safari
      return () => clearTimeout(timer)
    }
    const handle = requestIdleCallback(now, { timeout: LONGEST_MS })
    return () => cancelIdleCallback(handle)
  }, [])
  return idle
}
