import { Button, Group } from '@mantine/core'
import { Dialog } from '../../components/Dialog'
import { EditorForm } from '../../components/EditorForm'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { saved } from '../../components/toast'
import { useEditor } from '../../lib/editor'
import { useT } from '../../lib/i18n'
import { useRecord } from '../../lib/record'
import { useHere, useOrg } from '../../lib/session'
import { detailFields, type FunctionDetail } from './data'
import { functionForm, type FunctionForm } from './form'
import { FunctionFields } from './FunctionFields'

const { start, toForm, toBody, label, problems } = functionForm

/** A function beside what it is used in; without an id, a new one. */
export function FunctionDialog({
  id,
  onClose,
  onCreated,
}: {
  id?: string
  onClose: () => void
  onCreated?: (id: string) => void
}) {
  const t = useT()
  return (
    <Dialog onClose={onClose} size="lg" title={t(id ? 'functions.one' : 'functions.new')}>
      {id ? <Existing id={id} onClose={onClose} /> : (
        <Editing onClose={onClose} onSaved={(record) => {
          onCreated?.(record.id)
          onClose()
        }} />
      )}
    </Dialog>
  )
}

function Existing({ id, onClose }: { id: string; onClose: () => void }) {
  const org = useOrg()
  const record = useRecord<FunctionDetail>(org, 'functions', id, detailFields)
  if (record.isPending) return <SkeletonAfter200ms lines={8} />
  if (!record.data) return <ErrorState error={record.error} onRetry={() => void record.refetch()} />
  return <Editing record={record.data} onClose={onClose} onSaved={onClose} />
}

function Editing({ record, onClose, onSaved }: {
  record?: FunctionDetail
  onClose: () => void
  onSaved: (record: FunctionDetail) => void
}) {
  const t = useT()
  const { can } = useHere()
  const readOnly = !can('functions.manage') || record?.sync_status === 'deleting'
  const editor = useEditor<FunctionDetail, FunctionForm>('functions', detailFields, {
    ...(record ? { record, toForm, toBody, label } : { start, toBody }),
    problems, done: (stored) => {
      saved(t(record ? 'functions.saved' : 'functions.created'))
      onSaved(stored)
    },
  })
  const buttons = (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={onClose}>{t(readOnly ? 'actions.close' : 'actions.cancel')}</Button>
      {!readOnly && <Button type="submit" loading={editor.busy}>{t('actions.save')}</Button>}
    </Group>
  )
  return (
    <EditorForm editor={editor} buttons={buttons}>
      <FunctionFields form={editor.form} stored={record?.headers_set} readOnly={readOnly} />
    </EditorForm>
  )
}
