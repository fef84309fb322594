import { ActionIcon, Button, Stack, Switch, Text, TextInput } from '@mantine/core'
import { Plus, Trash2 } from 'lucide-react'
import { DayField } from '../../components/Days'
import { useT } from '../../lib/i18n'
import { isUntouched, type Closure } from './hours'
import classes from './Hours.module.css'
import { Shifts } from './WeekEditor'

/** Holidays and one-off closures, and days with other hours than usual. */
export function Closures({
  closures,
  onChange,
  disabled,
}: {
  closures: readonly Closure[]
  onChange: (closures: Closure[]) => void
  disabled: boolean
}) {
  const t = useT()
  const set = (index: number, change: Partial<Closure>) =>
    onChange(closures.map((c, i) => (i === index ? tidy({ ...c, ...change }) : c)))
  return (
    <Stack gap="xs">
      {closures.length === 0 && <Text size="sm" c="dimmed">{t('settings.hours.noClosures')}</Text>}
      {closures.map((closure, index) => {
        const name = closure.name || t('settings.hours.closure', { count: index + 1 })
        return (
          // oxlint-disable-next-line react/no-array-index-key -- closures have no id; they are what stands in their place
          <div key={index} className={classes.closure} role="group" aria-label={name}>
            <TextInput
              label={t('settings.hours.closureName')}
              placeholder={t('settings.hours.closureExample')}
              maxLength={100}
              style={{ flex: '1 1 11rem' }}
              value={closure.name ?? ''}
              disabled={disabled}
              onChange={(event) => set(index, { name: event.currentTarget.value })}
            />
            <DayField
              label={t('settings.hours.firstDay')}
              value={closure.from}
              disabled={disabled}
              error={!closure.from && !isUntouched(closure)}
              onChange={(from) => set(index, { from })}
            />
            <DayField
              label={t('settings.hours.lastDay')}
              value={closure.to ?? closure.from}
              min={closure.from}
              disabled={disabled}
              error={closure.to !== undefined && closure.to < closure.from}
              onChange={(to) => set(index, { to })}
            />
            <Stack gap={6} pb={6}>
              <Switch
                size="sm"
                label={t('settings.hours.yearly')}
                checked={closure.yearly === true}
                disabled={disabled}
                onChange={(event) => set(index, { yearly: event.currentTarget.checked })}
              />
              <Switch
                size="sm"
                label={t('settings.hours.special')}
                checked={(closure.hours?.length ?? 0) > 0}
                disabled={disabled}
                onChange={(event) =>
                  set(index, { hours: event.currentTarget.checked ? [{ from: '10:00', to: '12:00' }] : [] })
                }
              />
            </Stack>
            {!disabled && (
              <ActionIcon
                mb={4}
                size="lg"
                variant="subtle"
                color="red"
                aria-label={t('settings.hours.dropClosure', { name })}
                onClick={() => onChange(closures.filter((_, i) => i !== index))}
              >
                <Trash2 size={16} aria-hidden />
              </ActionIcon>
            )}
            {closure.hours && closure.hours.length > 0 && (
              <div style={{ flexBasis: '100%' }}>
                <Shifts
                  label={name}
                  shifts={closure.hours}
                  onChange={(hours) => set(index, { hours })}
                  disabled={disabled}
                />
              </div>
            )}
          </div>
        )
      })}
      {!disabled && (
        <div>
          <Button
            variant="default"
            leftSection={<Plus size={16} aria-hidden />}
            onClick={() => onChange([...closures, { from: '' }])}
          >
            {t('settings.hours.addClosure')}
          </Button>
        </div>
      )}
    </Stack>
  )
}

/** Leaves out what says nothing, so that an unchanged closure equals the stored one. */
function tidy({ name, from, to, yearly, hours }: Closure): Closure {
  return {
    ...(name && { name }),
    from,
    ...(to && to !== from && { to }),
    ...(yearly && { yearly }),
    ...(hours && hours.length > 0 && { hours }),
  }
}
