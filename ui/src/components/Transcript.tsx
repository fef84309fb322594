import { Button, Text, UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { memo, useEffect, useRef, useState, type MouseEvent, type ReactNode } from 'react'
import { clock } from '../lib/format'
import { useT } from '../lib/i18n'
import classes from './Transcript.module.css'

/** One entry of a transcript: a spoken line, or a card of what happened between lines. */
export interface Row {
  key: string
  line?: { role: 'assistant' | 'user' | 'system'; who: string; content: string; offsetMs?: number; action?: ReactNode }
  card?: ReactNode
}

const ROW_HEIGHT = 72
// Few rows need no windowing, and plain rows keep the browser's own "find in page".
const WINDOW_ABOVE = 150
// So near its end a reader follows a running call.
const NEAR_END = 80

/**
 * Who said what. The current line is marked and kept in sight while `follow` is set; a press on a line seeks. Long ones
 * keep only the rows in sight in the document. `stick` follows a conversation that grows at its end, unless the reader has gone
 * back to what was said before: then a button leads to the newest line.
 */
export function Transcript({ label, rows, current = -1, follow = false, stick = false, onSeek }: {
  label: string
  rows: readonly Row[]
  current?: number
  follow?: boolean
  stick?: boolean
  onSeek?: (ms: number) => void
}) {
  const t = useT()
  const frame = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const [away, setAway] = useState(false)
  const windowed = rows.length > WINDOW_ABOVE
  // oxlint-disable-next-line react/incompatible-library -- the compiler that this rule warns about is not in use
  const virtual = useVirtualizer({
    count: windowed ? rows.length : 0,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    getItemKey: (index) => rows[index]?.key ?? index,
  })

  useEffect(() => {
    if (!follow || current < 0) return
    if (windowed) virtual.scrollToIndex(current, { align: 'auto' })
    else inSight(frame.current, frame.current?.querySelector<HTMLElement>(`[data-index="${current}"]`))
    // oxlint-disable-next-line react/exhaustive-deps -- the virtualizer is a new object at each scroll; only the line moves the view
  }, [current, follow, windowed])
  useEffect(() => {
    if (stick && atEnd.current && frame.current) frame.current.scrollTop = frame.current.scrollHeight
  }, [stick, rows.length])

  const toNewest = () => {
    const el = frame.current
    if (!el) return
    el.scrollTop = el.scrollHeight
    el.focus() // the button goes away
  }

  const shown = windowed ? virtual.getVirtualItems().map((v) => v.index) : rows.map((_, index) => index)
  const items = windowed ? virtual.getVirtualItems() : []
  return (
    <div className={classes.outer}>
      {/* A scrolling region must be reachable with the keyboard. */}
      <div
        className={classes.frame}
        ref={frame}
        role="region"
        aria-label={label}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={({ currentTarget: el }) => {
          atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END
          setAway(!atEnd.current)
        }}
      >
        <ol className={classes.list}>
          {windowed && <li aria-hidden style={{ height: items[0]?.start ?? 0 }} />}
          {shown.map((index) => (
            <li
              key={rows[index]!.key}
              className={classes.row}
              data-index={index}
              ref={windowed ? virtual.measureElement : undefined}
            >
              {rows[index]!.card ?? <Line line={rows[index]!.line!} current={index === current} onSeek={onSeek} />}
            </li>
          ))}
          {/* Before the first measure nothing is in sight yet: the whole height lets the frame open. */}
          {windowed && <li aria-hidden style={{ height: virtual.getTotalSize() - (items.at(-1)?.end ?? 0) }} />}
        </ol>
      </div>
      {stick && away && (
        <Button
          className={classes.newest}
          size="xs"
          radius="xl"
          leftSection={<ArrowDown size={14} aria-hidden />}
          onClick={toNewest}
        >
          {t('player.newest')}
        </Button>
      )}
    </div>
  )
}

/** Scrolls the frame alone: the page stays where the reader put it. */
function inSight(frame: HTMLElement | null, row: HTMLElement | null | undefined): void {
  if (!frame || !row) return
  const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight]
  if (top < frame.scrollTop + 40) frame.scrollTo({ top: Math.max(0, top - 40), behavior: 'smooth' })
  else if (bottom > frame.scrollTop + frame.clientHeight - 40)
    frame.scrollTo({ top: bottom - frame.clientHeight + 60, behavior: 'smooth' })
}

const Line = memo(function Line({
  line,
  current,
  onSeek,
}: {
  line: NonNullable<Row['line']>
  current: boolean
  onSeek?: (ms: number) => void
}) {
  const t = useT()
  const { role, who, content, offsetMs, action } = line
  const seekable = onSeek !== undefined && offsetMs !== undefined
  const press = (event: MouseEvent) => {
    // Selecting words is not a press, and the button answers for itself.
    if (window.getSelection()?.toString() || (event.target as HTMLElement).closest('button, a')) return
    onSeek?.(offsetMs!)
  }
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions -- the time beside it is the button for keys
    <div
      className={classes.line}
      data-role={role}
      data-current={current || undefined}
      aria-current={current || undefined}
      data-seek={seekable || undefined}
      onClick={seekable ? press : undefined}
    >
      <span className={classes.who}>
        <i aria-hidden />
        {who}
        {action && <span className={classes.action}>{action}</span>}
      </span>
      {offsetMs !== undefined &&
        (seekable ? (
          <UnstyledButton
            className={`${classes.at} pl-tabular`}
            aria-label={t('player.from', { at: clock(offsetMs / 1000) })}
            onClick={() => onSeek(offsetMs)}
          >
            {clock(offsetMs / 1000)}
          </UnstyledButton>
        ) : (
          <span className={`${classes.at} pl-tabular`}>{clock(offsetMs / 1000)}</span>
        ))}
      <Text size="sm" className={classes.words} c={role === 'system' ? 'dimmed' : undefined}>
        {content}
      </Text>
    </div>
  )
})
