import { DatePickerInput, DatesProvider, DateTimePicker } from '@mantine/dates'
import '@mantine/dates/styles.layer.css'
import 'dayjs/locale/fr'
import { CalendarDays } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { stretch, stretches } from '../lib/days'
import { useLanguage, useT, type T } from '../lib/i18n'
import { useNarrow } from '../lib/narrow'
import classes from './Calendars.module.css'

export interface Days {
  from?: string | undefined
  to?: string | undefined
}

export interface DateRangeProps extends Days {
  /** Shown above; without one a screen reader alone is told. */
  label?: string
  /** The day it is where the list's days are counted. */
  today: string
  onChange: (days: Days) => void
  w?: number | { base: string; sm: number }
}

type Range = [string | null, string | null]

export function DateRange({ label, from, to, today, onChange, w }: DateRangeProps) {
  const t = useT()
  const look = useLook()
  // The first day of two that are being chosen: nothing yet for whoever filters.
  const [begun, setBegun] = useState<string>()
  const day = useDayWords()
  // An open end is a choice too, which the calendar does not know: it would take it off as it closes.
  const held: Range = from ? [from, to ?? (from > today ? from : today)] : [null, null]
  const words = (): string => {
    if (begun) return `${day(begun)} –`
    if (from && to) return from === to ? day(from) : `${day(from)} – ${day(to)}`
    if (from) return t('dates.since', { day: day(from) })
    return to ? t('dates.until', { day: day(to) }) : ''
  }
  return (
    <Calendar>
      <DatePickerInput
        {...look}
        type="range"
        {...(label ? { label } : { 'aria-label': `${t('dates.period')}, ${words() || t('dates.any')}` })}
        placeholder={t('dates.any')}
        w={w}
        valueFormatter={words}
        allowSingleDateInRange
        defaultDate={today}
        classNames={{ datePickerRoot: classes.beside, presetsList: classes.stretches }}
        clearable
        clearButtonProps={{ 'aria-label': t('dates.clear') }}
        presets={stretches.map((name) => ({ value: stretch(name, today), label: t(`dates.${name}`) }))}
        value={begun ? [begun, null] : held}
        onChange={([first, last]) => {
          setBegun(first && !last ? first : undefined)
          // Closed before a second day was chosen: what held before holds.
          if (!first && begun) return
          if (!first || last) onChange({ from: first ?? undefined, to: last ?? undefined })
        }}
      />
    </Calendar>
  )
}

export interface DayProps {
  label: string
  value: string
  min?: string
  disabled?: boolean
  error?: boolean
  onChange: (day: string) => void
}

export function DayField({ value, min, error, onChange, ...rest }: DayProps & { w: number }) {
  const t = useT()
  const look = useLook()
  const day = useDayWords()
  return (
    <Calendar>
      <DatePickerInput
        {...look}
        {...rest}
        placeholder={t('dates.choose')}
        error={error}
        minDate={min || undefined}
        valueFormatter={({ date }) => (typeof date === 'string' ? day(date) : '')}
        value={value || null}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
    </Calendar>
  )
}

export interface MomentProps {
  label: string
  description: string
  /** As "2026-11-20 09:30:00", where the browser is; empty while none is chosen. */
  value: string
  onChange: (moment: string) => void
}

export function MomentField({ value, onChange, ...words }: MomentProps) {
  const t = useT()
  const french = useLanguage() === 'fr'
  const look = useLook()
  return (
    <Calendar>
      <DateTimePicker
        {...look}
        {...words}
        placeholder={t('dates.choose')}
        valueFormat={french ? 'D MMM YYYY HH:mm' : 'MMM D, YYYY h:mm A'}
        clearable
        clearButtonProps={{ 'aria-label': t('dates.clear') }}
        submitButtonProps={{ 'aria-label': t('dates.done') }}
        timePickerProps={{
          format: french ? '24h' : '12h',
          'aria-label': t('dates.time'),
          hoursInputLabel: t('dates.hours'),
          minutesInputLabel: t('dates.minutes'),
          amPmInputLabel: t('dates.half'),
        }}
        value={value || null}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
    </Calendar>
  )
}

/** What a calendar says in the product's language. A week begins on Monday, as in the lists; no day is red. */
function Calendar({ children }: { children: ReactNode }) {
  return <DatesProvider settings={{ locale: useLanguage(), firstDayOfWeek: 1, weekendDays: [] }}>{children}</DatesProvider>
}

/** What all of them share. */
function useLook() {
  const t = useT()
  const narrow = useNarrow()
  return {
    leftSection: <CalendarDays size={16} aria-hidden />,
    dropdownType: narrow ? ('modal' as const) : ('popover' as const),
    hideOutsideDates: true,
    highlightToday: true,
    ariaLabels: spoken(t),
  }
}

const spoken = (t: T) => ({
  nextMonth: t('dates.next'),
  previousMonth: t('dates.previous'),
  nextYear: t('dates.next'),
  previousYear: t('dates.previous'),
  nextDecade: t('dates.next'),
  previousDecade: t('dates.previous'),
  monthLevelControl: t('dates.monthLevel'),
  yearLevelControl: t('dates.monthLevel'),
})

/** A day in the language of the page, as the lists write it. */
function useDayWords() {
  const language = useLanguage()
  return (day: string) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' })
    .format(new Date(`${day}T00:00:00Z`))
}
