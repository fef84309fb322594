import { Alert, Button, Group, Stack } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { useT } from '../lib/i18n'

/** Says that somebody saved other values of the fields being edited, and lets the person choose. */
export function ChangedMeanwhile({ fields, takeTheirs, keepMine }: { fields: string[]; takeTheirs: () => void; keepMine: () => void }) {
  const t = useT()
  if (fields.length === 0) return null
  return (
    <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />} title={t('errors.conflict.title')} role="alert">
      <Stack gap="xs">
        {t('dirty.conflict', { fields: fields.join(', ') })}
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={takeTheirs}>{t('dirty.takeTheirs')}</Button>
          <Button size="xs" variant="default" onClick={keepMine}>{t('dirty.keepMine')}</Button>
        </Group>
      </Stack>
    </Alert>
  )
}
