import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useTopic } from '../../lib/queries'
import { heardLine, mergeLive, speakingAfter, type Line, type Speaking } from './conversation'
import { isLive, linesQuery, type CallItem } from './data'

/** The lines of a call: the saved ones and, while it runs, those heard since, and who is speaking. */
export function useLines(organization: string, call: Pick<CallItem, 'id' | 'status'> & { reported_at?: string }) {
  const { id } = call
  const live = isLive(call)
  const saved = useQuery(linesQuery(organization, id))
  const [heard, setHeard] = useState<{ id: string; lines: Line[] }>({ id, lines: [] })
  const [speaking, setSpeaking] = useState<Speaking & { id: string }>({ id, at: 0 })
  useTopic(live ? `call/${id}` : undefined, (data) => {
    setSpeaking((before) => {
      const known = before.id === id ? before : { id, at: 0 }
      const after = speakingAfter(known, data)
      return after === known ? before : { ...after, id }
    })
    const line = heardLine(data)
    if (line) setHeard((before) => ({ id, lines: before.id === id ? [...before.lines, line] : [line] }))
  })
  const reported = Boolean(call.reported_at)
  const lines = useMemo(() => mergeLive(saved.data ?? [], heard.id === id ? heard.lines : [], reported), [saved.data, heard, id, reported])
  return { ...saved, lines, speaking: live && speaking.id === id ? speaking.role : undefined }
}
