import { Paper, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { NewPage, RecordPage, RemoveButton } from '../../components/RecordPage'
import { RecordSync } from '../../components/RecordSync'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useOrg } from '../../lib/session'
import { functionKind, type FunctionDetail } from './data'
import { functionForm } from './form'
import { FunctionFields } from './FunctionFields'

const functions = { ...functionKind, ...functionForm }

export function NewFunctionPage() {
  const t = useT()
  return (
    <NewPage of={functions} text={t('functions.text')} create={t('functions.create')} said={t('functions.created')}>
      {({ form }) => <Framed><FunctionFields form={form} /></Framed>}
    </NewPage>
  )
}

export function FunctionPage() {
  return (
    <RecordPage
      of={functions}
      title={(record) => record.name}
      description={(record, writable) => <RecordSync collection="functions" row={record} canRetry={writable} />}
      actions={(record) => <Remove record={record} />}
      size="md"
      said="functions.saved"
    >
      {({ form, record, writable }) => (
        <Framed><FunctionFields form={form} stored={record.headers_set} readOnly={!writable} /></Framed>
      )}
    </RecordPage>
  )
}

function Framed({ children }: { children: ReactNode }) {
  return <Paper withBorder p="lg" bg="var(--pl-surface)"><Stack gap="md">{children}</Stack></Paper>
}

function Remove({ record: { id, name } }: { record: FunctionDetail }) {
  const t = useT()
  const org = useOrg()
  // Deleting takes it off the assistants that have it: say which before.
  const users = useQuery({
    queryKey: [org, 'assistants', 'with-function', id],
    queryFn: async ({ signal }) => (await pb.collection('assistants').getList<{ id: string; name: string }>(1, 20, {
      filter: pb.filter('organization = {:org} && functions.id ?= {:id}', { org, id }),
      fields: 'id,name', sort: 'name', skipTotal: true, signal,
    })).items,
  })
  const names = users.data?.map((one) => one.name).join(', ')
  return (
    <RemoveButton
      of={functions}
      id={id}
      question={{
        title: t('functions.remove.title', { name }),
        body: names ? t('functions.remove.used', { names }) : t('functions.remove.text'),
        action: t('functions.remove.action'),
      }}
      done={t('functions.deleted', { name })}
    />
  )
}
