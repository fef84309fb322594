import { ActionIcon, Button, Tooltip } from '@mantine/core'
import { Download, Pause, Play } from 'lucide-react'
import {
  useEffect, useEffectEvent, useId, useImperativeHandle, useMemo, useRef, useState, type KeyboardEvent as
  ReactKeyboardEvent, type PointerEvent, type Ref,
} from 'react'
import { saveBlob } from '../lib/api'
import { problem, type Problem } from '../lib/errors'
import { clock, number } from '../lib/format'
import { useT } from '../lib/i18n'
import { shortcutsEnabled } from '../lib/shortcuts'
import classes from './Player.module.css'
import { ProblemAlert } from './States'
import { lanePath, timeAt, WAVE_HEIGHT, WAVE_WIDTH, type Peaks } from './waveform'

const STEP_SECONDS = 5
const PAGE_SECONDS = 30
const SPEEDS = [0.75, 1, 1.25, 1.5, 2]

// What only frames a part of the page has no keys of its own.
const FRAMES = 'main,[role="presentation"],[role="region"],[role="tabpanel"]'

/**
 * Whether a key belongs to what has the focus. Space does nothing on a link; on the place of a line, which is a button, it
 * pauses what plays, as everywhere else.
 */
function keeps(focused: HTMLElement, key: string, playing: boolean): boolean {
  if (key === ' ' && playing && focused.closest('[data-seek]')) return false
  const own = `input,textarea,select,button,summary,[contenteditable],[role]:not(${FRAMES})${key === ' ' ? '' : ',a'}`
  return focused.closest(own) !== null
}

/** What others may do with a player. */
export interface PlayerHandle {
  /** Goes to a second and plays from there. */
  playFrom: (seconds: number) => void
}

/**
 * Plays a recording of two voices. The sound is asked for with the first press, as most calls are read and not heard.
 * Keys, wherever the focus is: Space, ←/→ five seconds, [ ] speed.
 */
export function Player({ load, peaks, seconds, name, onTime, ref }: {
  load: () => Promise<Blob>
  peaks: Peaks | null
  /** The recording's length, as far as it is known before the sound is here. */
  seconds: number
  /** The file's name when it is downloaded. */
  name: string
  /** Where the player is, about four times a second, and whether it plays. */
  onTime?: (seconds: number, playing: boolean) => void
  ref?: Ref<PlayerHandle>
}) {
  const t = useT()
  const clip = useId()
  const audio = useRef<HTMLAudioElement>(null)
  const sound = useRef<Promise<Blob>>(undefined)
  const [url, setUrl] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Problem>()
  const [playing, setPlaying] = useState(false)
  const [at, setAt] = useState(0)
  const [length, setLength] = useState(seconds)
  const [speed, setSpeed] = useState(1)
  const pending = useRef<{ at: number; play: boolean }>(undefined)
  const duration = Math.max(length || seconds, 0.001)

  useEffect(() => () => {
    if (url) URL.revokeObjectURL(url)
  }, [url])

  const fetchSound = () => {
    sound.current ??= load().catch((error: unknown) => {
      sound.current = undefined // the next press tries again
      throw error
    })
    return sound.current
  }
  const start = async (from: number, play: boolean) => {
    const player = audio.current
    if (!player) return
    setAt(from)
    if (url) {
      player.currentTime = from
      if (play) await player.play().catch(() => undefined) // refused without a press: the button is still there
      return
    }
    pending.current = { at: from, play }
    if (!play || busy) return
    setBusy(true)
    setFailure(undefined)
    try {
      setUrl(URL.createObjectURL(await fetchSound()))
    } catch (error) {
      setFailure(problem(error, t))
    } finally {
      setBusy(false)
    }
  }
  const seek = (to: number) => {
    const next = Math.max(0, Math.min(duration, to))
    onTime?.(next, playing)
    void start(next, playing)
  }
  const toggle = () => {
    if (playing) audio.current?.pause()
    else void start(at >= duration - 0.05 ? 0 : at, true)
  }
  const faster = (step: number) => {
    const next = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + step))]!
    setSpeed(next)
    if (audio.current) audio.current.playbackRate = next
  }
  useImperativeHandle(ref, () => ({ playFrom: (to) => void start(to, true) }))

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || !shortcutsEnabled()) return
    // AltGr types [ and ] on many keyboards and counts as Ctrl+Alt.
    const altGr = event.getModifierState('AltGraph')
    if (event.metaKey || (!altGr && (event.ctrlKey || event.altKey))) return
    if (keeps(event.target as HTMLElement, event.key, playing)) return
    const act = {
      ' ': toggle,
      ArrowLeft: () => seek(at - STEP_SECONDS),
      ArrowRight: () => seek(at + STEP_SECONDS),
      '[': () => faster(-1),
      ']': () => faster(1),
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    document.addEventListener('keydown', listener)
    return () => document.removeEventListener('keydown', listener)
  }, [])

  const onSlider = (event: ReactKeyboardEvent) => {
    const to = {
      ArrowLeft: at - STEP_SECONDS,
      ArrowDown: at - STEP_SECONDS,
      ArrowRight: at + STEP_SECONDS,
      ArrowUp: at + STEP_SECONDS,
      PageDown: at - PAGE_SECONDS,
      PageUp: at + PAGE_SECONDS,
      Home: 0,
      End: duration,
    }[event.key]
    if (to !== undefined) seek(to)
    else if (event.key === ' ' || event.key === 'Enter') toggle()
    else return
    event.preventDefault()
  }
  const onPointer = (event: PointerEvent<HTMLDivElement>) => {
    if (event.type === 'pointermove' && !event.currentTarget.hasPointerCapture(event.pointerId)) return
    if (event.type === 'pointerdown') {
      if (event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
    }
    const box = event.currentTarget.getBoundingClientRect()
    seek(timeAt(event.clientX - box.left, box.width, duration))
  }

  const paths = useMemo(
    () => ({ caller: lanePath(peaks?.left ?? [], true), assistant: lanePath(peaks?.right ?? [], false) }),
    [peaks],
  )
  const share = Math.max(0, Math.min(1, at / duration))
  const lanes = (
    <>
      {paths.caller && <path d={paths.caller} className={classes.caller} />}
      {paths.assistant && <path d={paths.assistant} className={classes.assistant} />}
    </>
  )
  return (
    <section className={classes.player} aria-label={t('player.label')}>
      <div
        className={classes.wave}
        role="slider"
        tabIndex={0}
        aria-label={t('player.position')}
        aria-valuemin={0}
        aria-valuemax={Math.round(duration)}
        aria-valuenow={Math.round(at)}
        aria-valuetext={t('player.of', { at: clock(at), length: clock(duration) })}
        onKeyDown={onSlider}
        onPointerDown={onPointer}
        onPointerMove={onPointer}
      >
        <svg viewBox={`0 0 ${WAVE_WIDTH} ${WAVE_HEIGHT}`} preserveAspectRatio="none" aria-hidden focusable="false">
          <defs><clipPath id={clip}><rect width={share * WAVE_WIDTH} height={WAVE_HEIGHT} /></clipPath></defs>
          <line x1="0" x2={WAVE_WIDTH} y1={WAVE_HEIGHT / 2} y2={WAVE_HEIGHT / 2} className={classes.axis} />
          <g className={classes.rest}>{lanes}</g>
          <g clipPath={`url(#${clip})`}>{lanes}</g>
        </svg>
        <div className={classes.head} style={{ left: `${share * 100}%` }} />
      </div>
      <div className={classes.bar}>
        <Button
          size="sm"
          leftSection={playing ? <Pause size={16} aria-hidden /> : <Play size={16} aria-hidden />}
          loading={busy}
          onClick={toggle}
        >
          {t(playing ? 'player.pause' : 'player.play')}
        </Button>
        <span className={`${classes.time} pl-tabular`}>
          {t('player.of', { at: clock(at), length: clock(duration) })}
        </span>
        <Tooltip label={t('player.speed')}>
          <Button
            size="sm"
            variant="default"
            className="pl-tabular"
            onClick={() => (speed === SPEEDS.at(-1) ? faster(-SPEEDS.length) : faster(1))}
          >
            {t('player.times', { speed: number(speed) })}
          </Button>
        </Tooltip>
        <Tooltip label={t('player.download')}>
          <ActionIcon variant="default" size={36} aria-label={t('player.download')} onClick={() => {
            setFailure(undefined)
            fetchSound().then((blob) => saveBlob(blob, name)).catch((error: unknown) => setFailure(problem(error, t)))
          }}><Download size={17} aria-hidden /></ActionIcon>
        </Tooltip>
      </div>
      {peaks && (
        <ul className={classes.legend}>
          <li><i data-lane="caller" aria-hidden />{t('player.caller')}</li>
          {paths.assistant && <li><i data-lane="assistant" aria-hidden />{t('player.assistant')}</li>}
        </ul>
      )}
      <ProblemAlert problem={failure} />
      {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- the transcript beside it is the caption */}
      <audio
        ref={audio} src={url} preload="auto"
        onLoadedMetadata={(event) => {
          const player = event.currentTarget
          if (Number.isFinite(player.duration)) setLength(player.duration)
          player.playbackRate = speed
          const { at: from = 0, play = false } = pending.current ?? {}
          pending.current = undefined
          player.currentTime = from
          if (play) void player.play().catch(() => undefined)
        }}
        onPlay={() => {
          setPlaying(true)
          onTime?.(at, true)
        }}
        onPause={() => {
          setPlaying(false)
          onTime?.(at, false)
        }}
        onTimeUpdate={(event) => {
          setAt(event.currentTarget.currentTime)
          onTime?.(event.currentTarget.currentTime, !event.currentTarget.paused)
        }}
        onError={() => {
          if (url)
            setFailure({
              title: t('player.broken.title'),
              cause: t('player.broken.cause'),
              code: 'sound',
              status: 0,
              retryable: false,
              fields: {},
              aborted: false,
            })
        }}
      />
    </section>
  )
}
