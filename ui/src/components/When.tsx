import { useEffect, useState } from 'react'
import { useLanguage } from '../lib/i18n'
import { browserZone, dateTime, parseDate, when, zoneName } from '../lib/format'
import { useHere } from '../lib/session'

// Relative words are true to the minute; half of that keeps them so.
const TICK_MS = 30_000

/**
 * A moment: relative within a day, else in the organization's zone. The viewer's own zone is one hover away. `short` is for
 * where there is little room: this year's moments go without the year.
 */
export function When({ value, exact = false, short = false }: {
  value: string | null | undefined
  exact?: boolean
  short?: boolean
}) {
  useLanguage()
  const { organization } = useHere()
  const [now, setNow] = useState(() => Date.now())
  const date = parseDate(value)
  const recent = !exact && date !== undefined && Math.abs(date.getTime() - now) < 86_400_000
  useEffect(() => {
    if (!recent) return
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [recent])
  if (!date) return null
  const zone = organization?.timezone || undefined
  return (
    <time
      dateTime={date.toISOString()}
      title={`${dateTime(date, browserZone(), { dateStyle: 'full', timeStyle: 'medium' })} (${zoneName(browserZone())})`}
    >
      {exact ? dateTime(date, zone) : when(date, zone, now, short)}
    </time>
  )
}
