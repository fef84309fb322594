import { Alert, Anchor, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { AudioLines, CircleAlert } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { Player, type PlayerHandle } from '../../components/Player'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { Transcript, type Row } from '../../components/Transcript'
import { fetchBlob } from '../../lib/api'
import { parseDate } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { saidBy, type Spoken } from '../assistants/form'
import { conversation, cues, lineAt, lineTime, type TimelineEvent } from './conversation'
import { isLive, recordingQuery, type CallDetail } from './data'
import { EventCard } from './EventCard'
import liveClasses from './Live.module.css'
import { SpeakingNow } from './SpeakingNow'
import { useLines } from './useLines'

/** The recording and the words, each leading to its place in the other. */
export function Conversation({
  call,
  who,
  events,
}: {
  call: CallDetail
  who: string
  events: readonly TimelineEvent[]
}) {
  const t = useT()
  const org = useOrg()
  const live = isLive(call)
  const recording = useQuery({ ...recordingQuery(org, call.id), enabled: call.has_recording })
  const { lines, speaking, isPending, error, refetch } = useLines(org, call)
  const player = useRef<PlayerHandle>(null)
  const [time, setTime] = useState({ ms: -1, playing: false })
  const ready = recording.data?.status === 'ready'
  const assistant = call.expand?.assistant?.name ?? t('player.assistant')
  const { can } = useHere()
  const mended = can('assistants.manage') && !live ? call.expand?.assistant : undefined

  const answered = parseDate(call.answered_at)?.getTime()
  const reported = Boolean(call.reported_at)
  const entries = useMemo(() => conversation(lines, events), [lines, events])
  const rows = useMemo(() => entries.map((entry): Row => (entry.kind === 'event'
    ? { key: entry.key, card: <EventCard event={entry.event} /> }
    : {
        key: entry.key,
        line: {
          role: entry.line.role, content: entry.line.content, offsetMs: lineTime(entry.line, answered, reported),
          who: entry.line.role === 'user' ? who : entry.line.role === 'assistant' ? assistant : t('calls.systemLine'),
          ...(entry.line.role === 'assistant' && !entry.line.from_person && mended && {
            action: <Mend assistant={mended} words={entry.line.content} />,
          }),
        },
      })), [entries, who, assistant, answered, reported, mended, t])
  const places = useMemo(() => cues(entries), [entries])
  const offsets = useMemo(() => places.map((place) => place.at), [places])
  const current = time.ms < 0 ? -1 : (places[lineAt(offsets, time.ms)]?.index ?? -1)
  const [seek] = useState(() => (ms: number) => player.current?.playFrom(ms / 1000))
  const [onTime] = useState(() => (seconds: number, playing: boolean) => setTime({ ms: seconds * 1000, playing }))

  return (
    <Stack gap="md">
      {ready ? (
        <Player
          ref={player}
          load={() => fetchBlob(`/api/calls/${call.id}/recording`)}
          peaks={recording.data!.peaks}
          seconds={(recording.data!.duration_ms || call.duration_seconds * 1000) / 1000}
          onTime={onTime}
          name={`${call.started_at.slice(0, 16).replace(/[ T:]/g, '-')}-${call.id}.${recording.data!.mime_type.includes('mpeg') ? 'mp3' : 'wav'}`}
        />
      ) : (
        <RecordingState call={call} status={recording.data?.status} live={live} waiting={recording.isPending} />
      )}
      {live && <div className={liveClasses.now}><SpeakingNow role={speaking} who={who} assistant={assistant} /></div>}
      {isPending ? (
        <SkeletonAfter200ms lines={8} />
      ) : error && lines.length === 0 ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : rows.length === 0 ? (
        <Text size="sm" c="dimmed" role="status">
          {t(live ? 'calls.live.quiet' : 'calls.noWords')}
        </Text>
      ) : (
        <div aria-live={live ? 'polite' : undefined}>
          <Transcript
            label={t('calls.transcript')}
            rows={rows}
            current={current}
            follow={time.playing}
            stick={live}
            onSeek={ready ? seek : undefined}
          />
        </div>
      )}
    </Stack>
  )
}

// As much of a line is shown where it is mended.
const QUOTED = 500

/** From a line to what made the assistant say it. */
function Mend({ assistant, words }: { assistant: { id: string } & Spoken; words: string }) {
  const t = useT()
  const org = useOrg()
  return (
    <Anchor
      component={Link}
      to={areaPath(org, `assistants/${assistant.id}`)}
      search={{ at: saidBy(words, assistant) } as never}
      state={{ said: words.slice(0, QUOTED) } as never}
      size="xs"
    >
      {t('calls.mend')}
    </Anchor>
  )
}

// A report that has not come after this long brings no recording any more.
const REPORT_MS = 10 * 60_000

/** Why there is no player (yet). */
function RecordingState({
  call,
  status,
  live,
  waiting,
}: {
  call: CallDetail
  status: string | undefined
  live: boolean
  waiting: boolean
}) {
  const t = useT()
  const [opened] = useState(() => Date.now())
  if (live) return null
  if (!call.has_recording) {
    const expected = !call.reported_at && opened - (parseDate(call.ended_at)?.getTime() ?? 0) < REPORT_MS
    return call.answered_at ? (
      <Text size="sm" c="dimmed">
        {t(expected ? 'calls.recording.soon' : 'calls.recording.none')}
      </Text>
    ) : null
  }
  if (waiting) return null
  const bad = status === 'failed' || status === 'gone'
  return (
    <Alert
      variant="light"
      color={bad ? 'yellow' : 'blue'}
      icon={bad ? <CircleAlert size={18} aria-hidden /> : <AudioLines size={18} aria-hidden />}
      role="status"
    >
      {t(
        status === 'gone'
          ? 'calls.recording.gone'
          : status === 'failed'
            ? 'calls.recording.failed'
            : 'calls.recording.copying',
      )}
    </Alert>
  )
}
