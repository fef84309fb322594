import { Button, Paper } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeft, Trash2 } from 'lucide-react'
import { confirm } from '../../components/confirm'
import { Page } from '../../components/Page'
import { RecordSync } from '../../components/RecordSync'
import { ErrorState, Forbidden, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useRecord } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { Missing } from '../../shell/Root'
import { detailFields, type FunctionDetail } from './data'
import { FunctionEditor } from './FunctionEditor'

export function NewFunctionPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const navigate = useNavigate()
  if (!can('functions.manage')) return <Forbidden level={1} />
  return (
    <Page title={t('functions.new')} description={t('functions.text')} size="md" actions={<Back />}>
      <Paper withBorder p="lg" bg="var(--pl-surface)">
        <FunctionEditor onSaved={(record) => void navigate({ to: areaPath(org, `functions/${record.id}`), replace: true })} />
      </Paper>
    </Page>
  )
}

export function FunctionPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const { id } = useParams({ strict: false }) as { id: string }
  const record = useRecord<FunctionDetail>(org, 'functions', id, detailFields)
  if (!can('build.view')) return <Forbidden level={1} />
  if (record.isPending) return <Page title={t('functions.one')} size="md"><SkeletonAfter200ms lines={8} /></Page>
  if (record.error && !record.data) return <ErrorState error={record.error} onRetry={() => void record.refetch()} level={1} />
  if (!record.data) return <Missing />
  const manage = can('functions.manage') && record.data.sync_status !== 'deleting'
  return (
    <Page title={record.data.name} description={<RecordSync collection="functions" row={record.data} canRetry={manage} />} size="md"
      actions={<><Back />{manage && <Remove record={record.data} />}</>}>
      <Paper withBorder p="lg" bg="var(--pl-surface)">
        <FunctionEditor key={id} record={record.data} onSaved={() => undefined} />
      </Paper>
    </Page>
  )
}

function Back() {
  const t = useT()
  const org = useOrg()
  return <Button component={Link} to={areaPath(org, 'functions')} variant="subtle" color="gray" leftSection={<ArrowLeft size={16} aria-hidden />}>{t('functions.title')}</Button>
}

function Remove({ record }: { record: FunctionDetail }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const navigate = useNavigate()
  // Deleting takes it off the assistants that have it: say which before.
  const users = useQuery({
    queryKey: [org, 'assistants', 'with-function', record.id],
    queryFn: async ({ signal }) => (await pb.collection('assistants').getList<{ id: string; name: string }>(1, 20, {
      filter: pb.filter('organization = {:org} && functions.id ?= {:id}', { org, id: record.id }), fields: 'id,name', sort: 'name', skipTotal: true, signal,
    })).items,
  })
  const remove = useMutation({
    mutationFn: () => pb.collection('functions').delete(record.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [org, 'functions'] })
      saved(t('functions.deleted', { name: record.name }))
      void navigate({ to: areaPath(org, 'functions'), ignoreBlocker: true })
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async () => {
    const names = users.data?.map((one) => one.name).join(', ')
    const yes = await confirm({
      title: t('functions.remove.title', { name: record.name }), action: t('functions.remove.action'), danger: true,
      body: names ? t('functions.remove.used', { names }) : t('functions.remove.text'),
    })
    if (yes) remove.mutate()
  }
  return <Button variant="default" loading={remove.isPending} leftSection={<Trash2 size={16} aria-hidden />} onClick={() => void ask()}>{t('functions.remove.action')}</Button>
}
