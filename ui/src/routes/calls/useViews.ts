import { useMemo } from 'react'
import { freshPreferences, savePreferences, type Preferences } from '../../lib/profile'
import { useMe } from '../../lib/session'
import { readViews, viewsKey, type View } from './views'

/** The person's views of the list of calls. They come with the session: opening the list asks for nothing more. */
export function useViews(organization: string): View[] {
  const stored = (useMe()?.preferences as Preferences | null | undefined)?.[viewsKey(organization)]
  return useMemo(() => readViews(stored), [stored])
}

/** Changes the views as they stand on the server, which another browser may have changed meanwhile. */
export async function saveViews(organization: string, change: (views: View[]) => View[]): Promise<void> {
  const key = viewsKey(organization)
  const views = change(readViews((await freshPreferences())[key]))
  await savePreferences({ [key]: views.length > 0 ? views : null })
}
