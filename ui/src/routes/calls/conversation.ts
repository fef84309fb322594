import type { CallEventsType, MessagesRole } from '../../lib/pb-types.gen'
import { straight } from '../../lib/strangers'

/** One line of a transcript. Positions are milliseconds since 1970, offsets are into the recording. */
export interface Line {
  role: MessagesRole
  content: string
  position: number
  offset_ms: number
  from_person?: boolean
}

export interface TimelineEvent {
  id: string
  type: CallEventsType
  name: string
  position: number
  data: EventData | null
}

export interface EventData {
  arguments?: unknown
  answer?: string
  /** What the provider's report says a function answered; ours, when there is one, is the truth. */
  reported?: string
  error?: string
  took_ms?: number
  to?: string
  by?: string
  content?: string
}

export type Entry =
  | { kind: 'line'; key: string; at: number; line: Line }
  | { kind: 'event'; key: string; at: number; event: TimelineEvent }

const lineKey = (line: Line) => `${line.position}:${line.role}`

/**
 * The lines of a call that runs: those that are saved, and those heard since. The provider's final transcript has other
 * positions, so once the call is reported what was heard live does not count any more.
 */
export function mergeLive(saved: readonly Line[], heard: readonly Line[], reported: boolean): Line[] {
  if (reported || heard.length === 0) return [...saved]
  const known = new Set(saved.map(lineKey))
  const fresh: Line[] = []
  for (const line of heard) {
    if (known.has(lineKey(line))) continue
    known.add(lineKey(line))
    fresh.push(line)
  }
  return [...saved, ...fresh].sort((a, b) => a.position - b.position)
}

/**
 * The time of a line in the call as its page counts it: until the report brings the places in the recording, from the moment it
 * was answered, like the clock beside it.
 */
export function lineTime(line: Line, answered: number | undefined, reported: boolean): number {
  return reported || answered === undefined ? line.offset_ms : Math.max(0, line.position - answered)
}

/** Reads a message of the topic `call/<id>` as a line; undefined when it is something else. */
export function heardLine(data: unknown): Line | undefined {
  const m = data as Partial<Line> & { type?: string } | null
  if (m?.type !== 'line' || typeof m.content !== 'string' || typeof m.position !== 'number') return undefined
  const role = m.role === 'user' || m.role === 'system' ? m.role : 'assistant'
  return { role, content: straight(m.content), position: m.position, offset_ms: m.offset_ms ?? 0 }
}

/** Who is speaking in a call that runs, and since when that is known; nobody without a role. */
export interface Speaking {
  role?: 'user' | 'assistant'
  at: number
}

/** Who speaks after a message of the topic `call/<id>`. Messages overtake each other: an older one says nothing any more. */
export function speakingAfter(before: Speaking, data: unknown): Speaking {
  const m = data as { type?: string; role?: string; status?: string; position?: number } | null
  if (m?.type !== 'speech' || typeof m.position !== 'number' || m.position < before.at) return before
  if (m.role !== 'user' && m.role !== 'assistant') return before
  if (m.status === 'started') return { role: m.role, at: m.position }
  // Who was interrupted stops after the other has begun.
  return m.status === 'stopped' && before.role === m.role ? { at: m.position } : before
}

/** What belongs among the words: functions, transfers, and what a person did. States stand in the timeline alone. */
const spokenEvents = new Set<CallEventsType>(['tool_call', 'transfer', 'control', 'language'])

/** Lines and events in the order they happened; at the same moment the words come first. */
export function conversation(lines: readonly Line[], events: readonly TimelineEvent[]): Entry[] {
  const entries: Entry[] = lines.map((line) => ({ kind: 'line', key: lineKey(line), at: line.position, line }))
  for (const event of events) {
    if (spokenEvents.has(event.type)) entries.push({ kind: 'event', key: event.id, at: event.position, event })
  }
  return entries.sort((a, b) => a.at - b.at || Number(a.kind === 'event') - Number(b.kind === 'event'))
}

/** The index of the line being said at a time of the recording; -1 before the first. Found by halving: lines are sorted. */
export function lineAt(offsets: readonly number[], ms: number): number {
  let [low, high] = [0, offsets.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (offsets[middle]! <= ms) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The lines' entries in the order of the recording: where the highlight can be, and when it moves there. */
export function cues(entries: readonly Entry[]): { index: number; at: number }[] {
  const found: { index: number; at: number }[] = []
  entries.forEach((entry, index) => {
    if (entry.kind === 'line' && entry.line.role !== 'system') found.push({ index, at: entry.line.offset_ms })
  })
  return found.sort((a, b) => a.at - b.at)
}
