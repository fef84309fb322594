import { Text } from '@mantine/core'
import { Braces, Languages, PhoneForwarded, UserRound, type LucideIcon } from 'lucide-react'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { words } from './analysis'
import classes from './Call.module.css'
import type { TimelineEvent } from './conversation'
import { eventText } from './Timeline'

const icons: Partial<Record<TimelineEvent['type'], LucideIcon>> = {
  tool_call: Braces,
  transfer: PhoneForwarded,
  control: UserRound,
  language: Languages,
}

/** What happened between two lines: a function with what it was asked and answered, a transfer, a person's deed. */
export function EventCard({ event }: { event: TimelineEvent }) {
  const t = useT()
  const Icon = icons[event.type] ?? Braces
  const { data } = event
  const given = entries(data?.arguments)
  const result = data?.error || data?.answer || data?.reported
  const details = event.type === 'tool_call' && (given.length > 0 || result)
  const head = (
    <>
      <Icon size={15} aria-hidden />
      <span className="pl-wrap">{eventText(event, t)}</span>
      {data?.took_ms !== undefined && (
        <span className={`${classes.took} pl-tabular`}>{t('calls.milliseconds', { ms: number(data.took_ms) })}</span>
      )}
    </>
  )
  if (!details) {
    return (
      <div className={classes.event}>
        <div className={classes.eventHead}>{head}</div>
        {data?.content && <Text size="sm" className="pl-wrap">{data.content}</Text>}
      </div>
    )
  }
  return (
    <details
      className={`${classes.event} ${classes.folding}`}
      open={!long(result)}
      data-bad={data?.error ? true : undefined}
    >
      <summary className={classes.eventHead}>{head}</summary>
      {given.length > 0 && (
        <dl className={classes.given} aria-label={t('calls.function.arguments')}>
          {given.map(([name, value]) => <div key={name}><dt>{words(name)}</dt><dd>{value}</dd></div>)}
        </dl>
      )}
      {result && (
        <div>
          <Text size="xs" c="dimmed">{t(data?.error ? 'calls.function.error' : 'calls.function.result')}</Text>
          <Text size="sm" className={classes.result}>{result}</Text>
        </div>
      )}
    </details>
  )
}

// A longer answer is folded, so that the words around it stay in sight.
const LONG = 400
const long = (result: string | undefined) => (result?.length ?? 0) > LONG

/** Arguments as names and texts; nested ones as JSON. */
export function entries(value: unknown): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value !== 'object') return [['', String(value)]]
  return Object.entries(value).map(([name, v]) => [name, typeof v === 'string' ? v : (JSON.stringify(v) ?? '')])
}
