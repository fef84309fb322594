import { useEffect } from 'react'

/** The files of the pages, as the build lists them (scripts/vite-plugins.mjs); words by their language. */
interface Files {
  pages: string[]
  words: Record<string, string[]>
}

/** A browser that is asked to save data is not sent what may never be looked at. */
const saves = (): boolean => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true

/** Until nothing else is going on. */
const rest = () => new Promise<unknown>((resolve) => { requestIdleCallback(resolve) })

/** One after the other. What does not come is asked for again by whoever goes there. */
async function fetchAhead(list: string, signal: AbortSignal): Promise<void> {
  const get = async (path: string) => {
    await rest()
    signal.throwIfAborted()
    return fetch(path, { signal, priority: 'low' })
  }
  const { pages, words } = (await (await get(list)).json()) as Files
  for (const file of [...pages, ...(words[document.documentElement.lang] ?? [])]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    await (await get(file)).arrayBuffer()
  }
}

/**
 * Brings the code of the other pages into the browser's cache while nothing else is going on: they open at once then, and without
 * a network too. It is not run, and its styles are not put in force: each sheet would lay out the page that is looked at anew.
 */
export function useAhead(idle: boolean): void {
  useEffect(() => {
    const list = document.querySelector<HTMLMetaElement>('meta[name="ahead"]')?.content
    if (!idle || !list || saves() || !('requestIdleCallback' in window)) return
    const end = new AbortController()
    fetchAhead(list, end.signal).catch(() => undefined) // nobody waits for it
    return () => end.abort()
  }, [idle])
}
