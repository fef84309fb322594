import { Alert, Button, Group, Paper, Stack } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { useT } from '../lib/i18n'
import { CopyButton } from './CopyButton'
import { useLeaveGuard } from './DirtyBar'
import classes from './DirtyBar.module.css'

/** Says that the record being edited is gone, and keeps what was typed: to be made again, where it can be, or copied. */
export function DeletedMeanwhile({ name, typed, anew, saving }: {
  name: string
  typed: string
  anew: boolean
  saving: boolean
}) {
  const t = useT()
  useLeaveGuard(true, saving)
  return (
    <Paper className={classes.bar} withBorder shadow="md" p="xs">
      <Alert
        color="yellow"
        variant="light"
        icon={<TriangleAlert size={18} aria-hidden />}
        title={t('dirty.gone.title', { name })}
        role="alert"
      >
        <Stack gap="xs">
          {t(anew ? 'dirty.gone.text' : 'dirty.gone.onlyCopy')}
          <Group gap="xs">
            {anew && <Button size="xs" type="submit" loading={saving}>{t('dirty.gone.anew')}</Button>}
            <CopyButton value={typed}>
              {({ copied, copy }) => (
                <Button size="xs" variant="default" onClick={copy} aria-live="polite">
                  {t(copied ? 'dirty.gone.copied' : 'dirty.gone.copy')}
                </Button>
              )}
            </CopyButton>
          </Group>
        </Stack>
      </Alert>
    </Paper>
  )
}
