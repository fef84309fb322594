import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useTopic } from '../../lib/queries'
import { heardLine, mergeLive, type Line } from './conversation'
import { isLive, linesQuery, type CallItem } from './data'

/** The lines of a call: the saved ones and, while it runs, those heard since. */
export function useLines(organization: string, call: Pick<CallItem, 'id' | 'status'> & { reported_at?: string }) {
  const { id } = call
  const live = isLive(call)
  const saved = useQuery(linesQuery(organization, id))
  const [heard, setHeard] = useState<{ id: string; lines: Line[] }>({ id, lines: [] })
  useTopic(live ? `call/${id}` : undefined, (data) => {
    const line = heardLine(data)
    if (line) setHeard((before) => ({ id, lines: before.id === id ? [...before.lines, line] : [line] }))
  })
  const reported = Boolean(call.reported_at)
  const lines = useMemo(() => mergeLive(saved.data ?? [], heard.id === id ? heard.lines : [], reported), [saved.data, heard, id, reported])
  return { ...saved, lines }
}
