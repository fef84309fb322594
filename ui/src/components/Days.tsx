import { Input, Skeleton } from '@mantine/core'
import { Suspense } from 'react'
import { lazily } from '../lib/code'
import type { DateRangeProps, DayProps, MomentProps } from './Calendars'

// The calendar comes with the first page that asks for a day.
const Range = lazily(() => import('./Calendars').then((m) => m.DateRange))
const One = lazily(() => import('./Calendars').then((m) => m.DayField))
const Instant = lazily(() => import('./Calendars').then((m) => m.MomentField))

/** From which day to which, both whole: chosen in a calendar, or by a stretch people often ask for. */
export function DateRange(props: DateRangeProps) {
  return <Suspense fallback={<Coming label={props.label} w={props.w} />}><Range {...props} /></Suspense>
}

/** One day, as "2026-11-20"; empty while none is chosen. */
export function DayField(props: DayProps) {
  return <Suspense fallback={<Coming label={props.label} w={DAY_WIDTH} />}><One {...props} w={DAY_WIDTH} /></Suspense>
}

/** A day and a time where the browser is. */
export function MomentField(props: MomentProps) {
  return (
    <Suspense fallback={<Coming label={props.label} description={props.description} />}><Instant {...props} /></Suspense>
  )
}

const DAY_WIDTH = 160

function Coming({ w, ...words }: { label?: string | undefined; description?: string; w?: DateRangeProps['w'] }) {
  return <Input.Wrapper {...words} w={w}><Skeleton h={36} /></Input.Wrapper>
}
