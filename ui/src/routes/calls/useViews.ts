import { useMemo } from 'react'
import { api } from '../../lib/api'
import { pb } from '../../lib/pb'
import { useMe } from '../../lib/session'
import { readViews, viewsKey, type View } from './views'

type Preferences = Record<string, unknown>

/** The person's views of the list of calls. They come with the session: opening the list asks for nothing more. */
export function useViews(organization: string): View[] {
  const stored = (useMe()?.preferences as Preferences | null | undefined)?.[viewsKey(organization)]
  return useMemo(() => readViews(stored), [stored])
}

/** Changes the views as they stand on the server, which another browser may have changed meanwhile. */
export async function saveViews(organization: string, change: (views: View[]) => View[]): Promise<void> {
  const key = viewsKey(organization)
  const { data } = await api.get<{ data: Preferences }>('/api/user/preferences')
  const views = change(readViews(data[key]))
  await api.post('/api/user/preferences', { preferences: { [key]: views.length > 0 ? views : null } })
  const { token, record } = pb.authStore
  if (record) pb.authStore.save(token, { ...record, preferences: { ...data, [key]: views } })
}
