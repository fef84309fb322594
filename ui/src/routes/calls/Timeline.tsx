import { Text } from '@mantine/core'
import { clock, dateTime, languageName, parseDate } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { useHere } from '../../lib/session'
import classes from './Call.module.css'
import type { TimelineEvent } from './conversation'
import type { CallDetail } from './data'

const states = ['scheduled', 'queued', 'ringing', 'in_progress', 'forwarding', 'ended'] as const

/** An event of a call in a sentence. */
export function eventText({ type, name, data }: TimelineEvent, t: T): string {
  switch (type) {
    case 'status': {
      const state = states.find((one) => one === name)
      return state ? t(`calls.timeline.status.${state}`) : name
    }
    case 'tool_call': return t(data?.error ? 'calls.timeline.functionFailed' : 'calls.timeline.function', { name })
    case 'transfer': return t('calls.timeline.transfer', { to: phone(data?.to || name) })
    case 'hang': return t('calls.timeline.hang')
    case 'language': return t('calls.timeline.language', { name: languageName(name) })
    case 'recording': return t('calls.timeline.recording')
    case 'control': {
      const deed = name === 'end' ? 'ended' : name === 'cancel' ? 'takenBack' : name === 'transfer' ? 'transferred' : 'said'
      return data?.by ? t(`calls.timeline.${deed}By`, { by: data.by }) : t(`calls.timeline.${deed}BySomebody`)
    }
  }
}

/** Everything that happened, with the time since the call began. */
export function Timeline({ call, events }: { call: CallDetail; events: readonly TimelineEvent[] }) {
  const t = useT()
  const { organization } = useHere()
  const start = parseDate(call.started_at)?.getTime()
  if (events.length === 0) return <Text size="sm" c="dimmed">{t('calls.timeline.empty')}</Text>
  return (
    <ol className={classes.timeline}>
      {events.map((event) => (
        <li key={event.id} data-bad={event.type === 'hang' || Boolean(event.data?.error) || undefined}>
          <time
            className="pl-tabular"
            dateTime={new Date(event.position).toISOString()}
            title={dateTime(new Date(event.position), organization?.timezone, {
              dateStyle: 'medium',
              timeStyle: 'medium',
            })}
          >
            {start === undefined ? '' : clock((event.position - start) / 1000)}
          </time>
          <Text size="sm" component="span" className="pl-wrap">{eventText(event, t)}</Text>
        </li>
      ))}
    </ol>
  )
}
