import { useRouter, type AnyRoute } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Area } from './areas'

type Load = () => Promise<unknown>

/** A browser that is asked to save data is not sent what may never be looked at. */
const saves = (): boolean => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true

/**
 * Fetches the code of the pages that can be gone to from here, one after the other, while nothing else is going on: they open at
 * once then, and without a network too. What does not come is asked for again by whoever goes there.
 */
export function useAhead(idle: boolean, areas: readonly Area[], more: readonly Load[]): void {
  const router = useRouter()
  useEffect(() => {
    if (!idle || saves() || !('requestIdleCallback' in window)) return
    const inside = (path: string) =>
      !path.startsWith('/o/') || areas.some((area) => path.startsWith(`/o/$org/${area.path.split('/')[0]}`))
    const pages = (Object.values(router.routesById) as AnyRoute[])
      .filter(({ id, fullPath }) => id.startsWith('/signed-in/') && inside(fullPath))
      .flatMap(({ options }) => (options.component as { preload?: Load } | undefined)?.preload ?? [])
    const left = [...pages, ...more]
    const next = () => {
      const load = left.shift()
      void load?.().catch(() => left.splice(0)).then(later)
    }
    let handle = 0
    const later = () => {
      if (left.length > 0) handle = requestIdleCallback(next)
    }
    later()
    return () => {
      left.splice(0)
      cancelIdleCallback(handle)
    }
  }, [idle, areas, more, router])
}
