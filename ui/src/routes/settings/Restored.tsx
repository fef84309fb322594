import { Alert, Button, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { confirm } from '../../components/confirm'
import { failed, saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { installationQuery } from '../setup/Connections'

/** Says that a restored database waits for the operator's word, and takes it. */
export function Restored() {
  const t = useT()
  const queries = useQueryClient()
  const installation = useQuery(installationQuery)
  const take = useMutation({
    mutationFn: () => api.post('/api/installation/restored/confirm', {}),
    onSuccess: () => {
      saved(t('installation.restored.done'))
      void queries.invalidateQueries({ queryKey: installationQuery.queryKey })
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async () => {
    const yes = await confirm({
      title: t('installation.restored.askTitle'),
      body: t('installation.restored.askText'),
      action: t('installation.restored.confirm'),
      danger: true,
    })
    if (yes) take.mutate()
  }
  if (!installation.data?.restored?.held) return null
  return (
    <Alert color="yellow" title={t('installation.restored.title')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('installation.restored.text')}</Text>
        <Button size="xs" loading={take.isPending} onClick={() => void ask()}>
          {t('installation.restored.confirm')}
        </Button>
      </Stack>
    </Alert>
  )
}
