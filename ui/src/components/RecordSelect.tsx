import { Button, Group, Select, Text, type ComboboxItem, type SelectProps } from '@mantine/core'
import { Plus } from 'lucide-react'
import { useT } from '../lib/i18n'
import { Field } from './Field'

/** How a record is made in place, for who may make one. */
export interface Create {
  label: string
  open: () => void
}

/**
 * A choice among records. While they are on their way nothing can be chosen; where there are none it says so, and offers to
 * make one in place.
 */
export function RecordSelect({ data, empty, create, size, ...props }: Omit<SelectProps, 'data'> & {
  /** Undefined while they are on their way. */
  data: ComboboxItem[] | undefined
  /** What is said where there are none. */
  empty: string
  create?: Create | undefined
}) {
  const t = useT()
  if (data?.length !== 0)
    return (
      <Select
        searchable={(data?.length ?? 0) > FEW}
        nothingFoundMessage={t('states.noMatch.title')}
        data={data ?? []}
        disabled={data === undefined}
        size={size}
        {...props}
      />
    )
  const none = (
    <Group gap="xs">
      <Text size={size === 'xs' ? 'xs' : 'sm'} c="dimmed">{empty}</Text>
      {create && !props.readOnly && (
        <Button
          size={size === 'xs' ? 'compact-xs' : 'xs'}
          variant="light"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={create.open}
        >
          {create.label}
        </Button>
      )}
    </Group>
  )
  const { label, error, required } = props
  if (typeof label !== 'string') return none
  return <Field label={label} error={error} required={required}>{() => none}</Field>
}

// So few are seen at a glance.
const FEW = 8
