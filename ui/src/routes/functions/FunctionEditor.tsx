import { Button, Group, NumberInput, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import '@mantine/core/styles/NumberInput.layer.css'
import '@mantine/core/styles/Pill.layer.css'
import '@mantine/core/styles/PillsInput.layer.css'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo, type ReactNode } from 'react'
import { ChangedMeanwhile } from '../../components/ChangedMeanwhile'
import { DirtyBar } from '../../components/DirtyBar'
import { field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { useSubmit } from '../../lib/form'
import { useT, type Key } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { useRebasing } from '../../lib/rebasing'
import { useHere, useOrg } from '../../lib/session'
import { detailFields, type FunctionDetail } from './data'
import { functionProblems, toFunctionBody, toFunctionForm, type FunctionForm } from './form'
import { HeadersEditor } from './HeadersEditor'
import { ParametersEditor } from './ParametersEditor'

const max = limits.functions
// The same in every language.
const examples = { name: 'book_appointment', url: 'https://' }

const labels = {
  name: 'functions.name', description: 'functions.description', parameters: 'functions.parameters.title', webhook_url: 'functions.url', headers: 'functions.headers.title',
  timeout_ms: 'functions.timeout', async: 'functions.async', is_active: 'functions.active',
} as const satisfies Record<keyof FunctionForm, Key>

/** A function's form, on its own page or in a dialog. Without a record it makes a new one. */
export function FunctionEditor({ record, onSaved, onCancel }: {
  record?: FunctionDetail
  onSaved: (record: FunctionDetail) => void
  /** In a dialog: buttons of its own instead of the bar. */
  onCancel?: () => void
}) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const queries = useQueryClient()
  const readOnly = !can('functions.manage') || record?.sync_status === 'deleting'
  const seen = useMemo(() => toFunctionForm(record), [record])
  const form = useForm<FunctionForm>({
    mode: 'controlled',
    initialValues: seen,
    validate: (values) => Object.fromEntries(Object.entries(functionProblems(values)).map(([name, what]) => [name, t(`functions.problems.${what}`)])),
  })
  const { base, dirty, conflicts, ...rebasing } = useRebasing(form, seen)
  const { submit, failure, busy, setFailure } = useSubmit(form, async (sent) => {
    const options = { fields: detailFields.join() }
    const stored = record
      ? await pb.collection('functions').update<FunctionDetail>(record.id, toFunctionBody(sent, base), options)
      : await pb.collection('functions').create<FunctionDetail>({ organization: org, ...toFunctionBody(sent) }, options)
    return { sent, stored }
  }, ({ sent, stored }) => {
    rebasing.stored(toFunctionForm(stored), sent)
    void queries.invalidateQueries({ queryKey: [org, 'functions'] })
    saved(t(record ? 'functions.saved' : 'functions.created'))
    onSaved(stored)
  })
  const text = (name: 'name' | 'description') => ({ ...field(form, name, max[name]), readOnly })

  const buttons: ReactNode = onCancel ? (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={onCancel}>{t(readOnly ? 'actions.close' : 'actions.cancel')}</Button>
      {!readOnly && <Button type="submit" loading={busy}>{t('actions.save')}</Button>}
    </Group>
  ) : record ? (
    <DirtyBar dirty={dirty && !readOnly} saving={busy} onDiscard={() => {
      rebasing.discard()
      setFailure(undefined)
    }} />
  ) : <div><Button type="submit" loading={busy}>{t('functions.create')}</Button></div>

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ChangedMeanwhile fields={conflicts.map((name) => t(labels[name]))} takeTheirs={rebasing.takeTheirs} keepMine={rebasing.keepMine} />
        <ProblemAlert problem={failure} />
        <TextInput label={t('functions.name')} description={t('functions.nameHint')} placeholder={examples.name} autoCapitalize="off" spellCheck={false} {...text('name')} />
        <Textarea label={t('functions.description')} description={t('functions.descriptionHint')} placeholder={t('functions.descriptionExample')} autosize minRows={2} {...text('description')} />
        <ParametersEditor value={form.values.parameters} readOnly={readOnly} error={form.errors.parameters as string | undefined}
          onChange={(parameters) => form.setFieldValue('parameters', parameters)} />
        <TextInput type="url" label={t('functions.url')} description={t('functions.urlHint')} placeholder={examples.url} {...field(form, 'webhook_url')} readOnly={readOnly} />
        <HeadersEditor value={form.values.headers} stored={record?.headers_set === true} readOnly={readOnly} error={form.errors.headers as string | undefined}
          onChange={(headers) => form.setFieldValue('headers', headers)} />
        <NumberInput label={t('functions.timeout')} description={t('functions.timeoutHint')} placeholder="10" suffix=" s" min={0.5} max={max.timeout_ms.max / 1000} step={1} decimalScale={1} styles={{ wrapper: { maxWidth: 260 } }} {...field(form, 'timeout_ms')} readOnly={readOnly} />
        <Switch label={t('functions.async')} description={t('functions.asyncHint')} disabled={readOnly} {...form.getInputProps('async', { type: 'checkbox' })} />
        <Switch label={t('functions.active')} description={t('functions.activeHint')} disabled={readOnly} {...form.getInputProps('is_active', { type: 'checkbox' })} />
        {buttons}
      </Stack>
    </form>
  )
}
