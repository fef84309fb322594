const DAY = 86_400_000

/** Days as an address and the server take them: "2026-11-20". */
const written = (at: number) => new Date(at).toISOString().slice(0, 10)
const read = (day: string) => Date.parse(`${day}T00:00:00Z`)

/** The day after a day. */
export function nextDay(date: string): string {
  return written(read(date) + DAY)
}

/** The day it is in a zone. Zones the browser does not know count as UTC. */
export function today(zone: string | undefined, now = Date.now()): string {
  return written(now + offset(now, zone))
}

/** The instant a day begins in a zone. Zones the browser does not know count as UTC. */
export function dayStart(date: string, zone: string | undefined): Date {
  const utc = read(date)
  // The offset at the guessed instant may be another one than at midnight, on the two days a year clocks change.
  let instant = utc - offset(utc, zone)
  instant = utc - offset(instant, zone)
  return new Date(instant)
}

/** How far a zone is ahead of UTC at an instant, in milliseconds. */
function offset(instant: number, zone: string | undefined): number {
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone || 'UTC', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
      hour: 'numeric', minute: 'numeric', second: 'numeric',
    }).formatToParts(instant)
    const n = (type: string) => Number(parts.find((part) => part.type === type)?.value)
    const shown = Date.UTC(n('year'), n('month') - 1, n('day'), n('hour'), n('minute'), n('second'))
    return shown - Math.floor(instant / 1000) * 1000
  } catch {
    return 0
  }
}

/** The Monday of a day's week: a week begins there, in every language. */
export function monday(day: string): string {
  return written(read(day) - ((new Date(read(day)).getUTCDay() + 6) % 7) * DAY)
}

export const stretches = ['today', 'thisWeek', 'week', 'month', 'thisMonth'] as const

/** The first and the last day of a stretch people often ask for, on a day. */
export function stretch(name: (typeof stretches)[number], today: string): [string, string] {
  const firsts = {
    today,
    thisWeek: monday(today),
    week: written(read(today) - 6 * DAY),
    month: written(read(today) - 29 * DAY),
    thisMonth: `${today.slice(0, 8)}01`,
  }
  return [firsts[name], today]
}
