/** One time of work, "09:00" to "12:00". An end that is not later is on the next day; "24:00" is midnight. */
export interface Shift {
  from: string
  to: string
}

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof days)[number]

/** Opening hours as they are stored; a day that is not named is closed, null means always open. */
export type Week = Partial<Record<Day, Shift[]>>

/** Days that differ from the week: closed, or open in the given hours only. */
export interface Closure {
  name?: string
  from: string
  to?: string
  yearly?: boolean
  hours?: Shift[]
}

/** A row nobody has filled in: it closes nothing and is not stored. */
export const isUntouched = ({ name, from, to, yearly, hours }: Closure): boolean =>
  !name && !from && !to && !yearly && !hours?.length

export type FullWeek = Record<Day, Shift[]>

/** All seven days, in the order people read them. */
export function fullWeek(week: Week | null): FullWeek {
  return Object.fromEntries(days.map((day) => [day, week?.[day] ?? []])) as FullWeek
}

/** What nine-to-six shops start from. */
export const usualWeek: FullWeek = {
  ...fullWeek(null),
  ...Object.fromEntries(days.slice(0, 5).map((day) => [day, [{ from: '09:00', to: '12:00' }, { from: '14:00', to: '18:00' }]])),
}

export const wholeDay: Shift = { from: '00:00', to: '24:00' }
export const isWholeDay = (shifts: readonly Shift[]) => shifts.length === 1 && shifts[0]!.from === '00:00' && shifts[0]!.to === '24:00'

/** The shift that makes sense after the last one. */
export function nextShift(shifts: readonly Shift[]): Shift {
  const end = shifts.length > 0 ? minutes(shifts.at(-1)!.to) : 540
  const from = Math.min(end + (shifts.length > 0 ? 60 : 0), 1380)
  return { from: clock(from), to: clock(Math.min(from + 180, 1440)) }
}

const clock = (m: number) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`

export function minutes(time: string): number {
  const [h = Number.NaN, m = Number.NaN] = time.split(':').map(Number)
  return h * 60 + m
}

export type ShiftProblem = 'time' | 'empty' | 'overlap'

/** What is wrong with a day's shifts; undefined when nothing is. The server checks the same. */
export function shiftProblem(shifts: readonly Shift[]): ShiftProblem | undefined {
  const read = shifts.map(({ from, to }) => [minutes(from), minutes(to)] as const)
  if (read.some(([from, to]) => Number.isNaN(from) || Number.isNaN(to))) return 'time'
  if (read.some(([from, to]) => from === to)) return 'empty'
  const sorted = read.toSorted((a, b) => a[0] - b[0])
  return sorted.some(([from], i) => i > 0 && (sorted[i - 1]![1] <= sorted[i - 1]![0] || sorted[i - 1]![1] > from)) ? 'overlap' : undefined
}

/** What is stored: days without shifts are left out, and a week without any is still a week (always closed). */
export function toWeek(week: FullWeek): Week {
  const open = days.filter((day) => week[day].length > 0)
  // {} would mean "always open"; one named day keeps the meaning.
  return open.length > 0 ? Object.fromEntries(open.map((day) => [day, week[day]])) : { mon: [] }
}
