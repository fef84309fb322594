import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { Conflict } from '../lib/editor'
import { useT } from '../lib/i18n'

/** Says that somebody saved other values of the fields being edited, and lets the person choose. */
export function ChangedMeanwhile({
  id,
  fields,
  takeTheirs,
  keepMine,
}: {
  id: string
  fields: Conflict[]
  takeTheirs: () => void
  keepMine: () => void
}) {
  const t = useT()
  if (fields.length === 0) return null
  return (
    <Alert
      id={id}
      tabIndex={-1}
      mb="xs"
      color="yellow"
      variant="light"
      icon={<TriangleAlert size={18} aria-hidden />}
      title={t('errors.conflict.title')}
      role="alert"
    >
      <Stack gap="xs">
        {t('dirty.conflict', { fields: fields.map((field) => field.label).join(', ') })}
        {fields.map(({ label, theirs }) => theirs !== undefined && (
          <Text key={label} size="sm" lineClamp={3} className="pl-wrap">
            {theirs ? t('dirty.theirs', { field: label, value: theirs }) : t('dirty.emptied', { field: label })}
          </Text>
        ))}
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={takeTheirs}>{t('dirty.takeTheirs')}</Button>
          <Button size="xs" variant="default" onClick={keepMine}>{t('dirty.keepMine')}</Button>
        </Group>
      </Stack>
    </Alert>
  )
}
