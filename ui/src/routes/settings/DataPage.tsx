import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CalendarClock, Download, Trash2, Undo2 } from 'lucide-react'
import { confirm } from '../../components/confirm'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { saved } from '../../components/toast'
import { When } from '../../components/When'
import { api, fetchBlob, saveBlob } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { useHere, useOrg } from '../../lib/session'
import { useOrganization, type OrganizationDetail } from './data'
import { SettingsPage } from './SettingsPage'

/** Taking everything away: as an archive, or for good. */
export function DataPage() {
  const t = useT()
  const org = useOrg()
  const record = useOrganization(org)
  return (
    <SettingsPage title={t('settings.nav.data')} text={t('settings.data.text')} needs={['settings.manage']}>
      {record.isPending ? (
        <SkeletonAfter200ms lines={6} />
      ) : record.data ? (
        <Stack gap="md">
          <Export record={record.data} />
          <Ending record={record.data} />
        </Stack>
      ) : (
        <ErrorState error={record.error} onRetry={() => void record.refetch()} />
      )}
    </SettingsPage>
  )
}

function Export({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const get = useMutation({
    mutationFn: () => fetchBlob(`/api/organizations/${record.id}/export`),
    onSuccess: (blob) =>
      saveBlob(blob, `${record.name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').toLowerCase() || 'export'}.zip`),
  })
  return (
    <Section title={t('settings.data.export')} text={t('settings.data.exportText')}>
      <ProblemAlert problem={get.error ? problem(get.error, t) : undefined} />
      <div>
        <Button
          variant="default"
          loading={get.isPending}
          leftSection={<Download size={16} aria-hidden />}
          onClick={() => get.mutate()}
        >
          {t('settings.data.exportAction')}
        </Button>
      </div>
      {get.isPending && (
        <Text size="sm" c="dimmed" role="status">
          {t('settings.data.exporting')}
        </Text>
      )}
    </Section>
  )
}

function Ending({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const queries = useQueryClient()
  const { place } = useHere()
  const path = `/api/organizations/${record.id}`
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: [record.id, 'organizations'] }),
      queries.invalidateQueries({ queryKey: ['me'] }),
    ])
  const remove = useMutation({
    mutationFn: () => api.post(`${path}/delete`, { name: record.name }),
    onSuccess: () => void refresh(),
  })
  const restore = useMutation({
    mutationFn: () => api.post(`${path}/restore`),
    onSuccess: () => {
      void refresh()
      saved(t('settings.data.restored'))
    },
  })
  const ask = async () => {
    if (
      await confirm({
        title: t('settings.data.removeTitle', { name: record.name }),
        body: t('settings.data.removeBody'),
        action: t('settings.data.remove'),
        danger: true,
        typed: record.name.trim(),
      })
    )
      remove.mutate()
  }
  const failure = remove.error ?? restore.error
  const owner = place?.role === 'owner'
  return (
    <Section title={t('settings.data.end')} text={t('settings.data.endText')}>
      <ProblemAlert problem={failure ? problem(failure, t) : undefined} />
      {record.deletes_at ? (
        <Alert
          color="red"
          variant="light"
          icon={<CalendarClock size={18} aria-hidden />}
          title={t('settings.data.leaving')}
        >
          <Stack gap="sm">
            <Text size="sm">
              {t('settings.data.until')} <When value={record.deletes_at} exact />. {t('settings.data.untilText')}
            </Text>
            {owner && (
              <Group>
                <Button
                  variant="default"
                  loading={restore.isPending}
                  leftSection={<Undo2 size={16} aria-hidden />}
                  onClick={() => restore.mutate()}
                >
                  {t('settings.data.restore')}
                </Button>
              </Group>
            )}
          </Stack>
        </Alert>
      ) : owner ? (
        <div>
          <Button
            color="red"
            variant="outline"
            loading={remove.isPending}
            leftSection={<Trash2 size={16} aria-hidden />}
            onClick={() => void ask()}
          >
            {t('settings.data.remove')}
          </Button>
        </div>
      ) : (
        <Text size="sm" c="dimmed">
          {t('settings.data.onlyOwner')}
        </Text>
      )}
    </Section>
  )
}
