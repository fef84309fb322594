import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { CopyPlus, Plus, X } from 'lucide-react'
import { useT } from '../../lib/i18n'
import { days, isWholeDay, nextShift, shiftProblem, wholeDay, type FullWeek, type Shift } from './hours'
import classes from './Hours.module.css'

// The server takes no more.
const SHIFTS_MOST = 6

/** Seven days, each closed, open all day, or open in shifts. */
export function WeekEditor({
  week,
  onChange,
  disabled,
}: {
  week: FullWeek
  onChange: (week: FullWeek) => void
  disabled: boolean
}) {
  const t = useT()
  return (
    <div>
      {days.map((day) => {
        const shifts = week[day]
        const state = shifts.length === 0 ? 'closed' : isWholeDay(shifts) ? 'whole' : 'shifts'
        const set = (next: Shift[]) => onChange({ ...week, [day]: next })
        const name = t(`settings.days.${day}`)
        return (
          <div key={day} className={classes.day} role="group" aria-label={name}>
            <Text size="sm" className={classes.name}>
              {name}
            </Text>
            <Select
              aria-label={t('settings.hours.on', { day: name })}
              allowDeselect={false}
              disabled={disabled}
              value={state}
              data={(['closed', 'shifts', 'whole'] as const).map((value) => ({
                value,
                label: t(`settings.hours.states.${value}`),
              }))}
              onChange={(value) =>
                set(
                  value === 'closed'
                    ? []
                    : value === 'whole'
                      ? [wholeDay]
                      : state === 'shifts'
                        ? shifts
                        : [{ from: '09:00', to: '18:00' }],
                )
              }
            />
            <div className={classes.shifts}>
              {state === 'shifts' && (
                <Stack gap="xs">
                  <Shifts label={name} shifts={shifts} onChange={set} disabled={disabled} />
                  {!disabled && day === 'mon' && (
                    <div>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        leftSection={<CopyPlus size={14} aria-hidden />}
                        onClick={() =>
                          onChange({ ...week, ...Object.fromEntries(days.slice(1, 5).map((d) => [d, shifts])) })
                        }
                      >
                        {t('settings.hours.copy')}
                      </Button>
                    </div>
                  )}
                </Stack>
              )}
            </div>
          </div>
        )
      })}
    </div>
  )
}

/** The times of one day; a break is the gap between two. */
export function Shifts({
  label,
  shifts,
  onChange,
  disabled,
  least = 1,
}: {
  label: string
  shifts: readonly Shift[]
  onChange: (shifts: Shift[]) => void
  disabled: boolean
  least?: number
}) {
  const t = useT()
  const wrong = shiftProblem(shifts)
  const set = (index: number, change: Partial<Shift>) =>
    onChange(shifts.map((shift, i) => (i === index ? { ...shift, ...change } : shift)))
  return (
    <Stack gap={6}>
      {shifts.map((shift, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- shifts have no name; they are what stands in their place
        <div key={index} className={classes.shift}>
          <TextInput
            type="time"
            w={136}
            aria-label={t('settings.hours.from', { day: label })}
            value={shift.from}
            disabled={disabled}
            onChange={(event) => set(index, { from: event.currentTarget.value })}
          />
          <Text size="sm" c="dimmed">
            {t('settings.hours.to')}
          </Text>
          {/* An input of the browser knows no 24:00; midnight is 00:00 there and means the same as an end. */}
          <TextInput
            type="time"
            w={136}
            aria-label={t('settings.hours.until', { day: label })}
            value={shift.to === '24:00' ? '00:00' : shift.to}
            disabled={disabled}
            onChange={(event) =>
              set(index, { to: event.currentTarget.value === '00:00' ? '24:00' : event.currentTarget.value })
            }
          />
          {!disabled && shifts.length > least && (
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('settings.hours.drop', { from: shift.from, to: shift.to })}
              onClick={() => onChange(shifts.filter((_, i) => i !== index))}
            >
              <X size={16} aria-hidden />
            </ActionIcon>
          )}
          {minutesEarlier(shift) && <Text size="xs" c="dimmed">{t('settings.hours.nextDay')}</Text>}
        </div>
      ))}
      {wrong && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {t(`settings.hours.problems.${wrong}`)}
        </Text>
      )}
      {!disabled && shifts.length < SHIFTS_MOST && (
        <Group gap="xs">
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<Plus size={14} aria-hidden />}
            onClick={() => onChange([...shifts, nextShift(shifts)])}
          >
            {t('settings.hours.add')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

const minutesEarlier = ({ from, to }: Shift) => from !== '' && to !== '' && to < from
