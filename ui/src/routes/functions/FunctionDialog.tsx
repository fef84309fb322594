import { Modal } from '@mantine/core'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { useT } from '../../lib/i18n'
import { useRecord } from '../../lib/record'
import { useOrg } from '../../lib/session'
import { detailFields, type FunctionDetail } from './data'
import { FunctionEditor } from './FunctionEditor'

/** A function beside what it is used in; without an id, a new one. */
export function FunctionDialog({ id, onClose, onCreated }: { id?: string; onClose: () => void; onCreated?: (id: string) => void }) {
  const t = useT()
  return (
    <Modal opened onClose={onClose} size="lg" title={t(id ? 'functions.one' : 'functions.new')} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      {id ? <Existing id={id} onClose={onClose} /> : (
        <FunctionEditor onCancel={onClose} onSaved={(record) => {
          onCreated?.(record.id)
          onClose()
        }} />
      )}
    </Modal>
  )
}

function Existing({ id, onClose }: { id: string; onClose: () => void }) {
  const org = useOrg()
  const record = useRecord<FunctionDetail>(org, 'functions', id, detailFields)
  if (record.isPending) return <SkeletonAfter200ms lines={8} />
  if (!record.data) return <ErrorState error={record.error} onRetry={() => void record.refetch()} />
  return <FunctionEditor record={record.data} onCancel={onClose} onSaved={onClose} />
}
