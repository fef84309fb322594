import { Alert, Button, Group, PasswordInput, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeft, Hourglass, TriangleAlert, Trash2 } from 'lucide-react'
import { useMemo } from 'react'
import { ChangedMeanwhile } from '../../components/ChangedMeanwhile'
import { confirm } from '../../components/confirm'
import { DirtyBar } from '../../components/DirtyBar'
import { field } from '../../components/Field'
import { Page } from '../../components/Page'
import { RecordSync } from '../../components/RecordSync'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT, type Key } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { exampleNumber, isPhone, phone } from '../../lib/phone'
import { useRebasing } from '../../lib/rebasing'
import { useRecord } from '../../lib/record'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { Missing } from '../../shell/Root'
import { AssistantSelect } from './AssistantSelect'
import { detailFields, type NumberDetail } from './data'
import { releaseText, toForm, toPatch, type NumberForm } from './form'
import { NumberStatus } from './NumberStatus'

const max = limits.phone_numbers

const labels = {
  friendly_name: 'numbers.name', assistant: 'numbers.answeredBy', status: 'numbers.status', fallback_number: 'numbers.fallbackNumber', fallback_message: 'numbers.fallbackMessage',
  twilio_account_sid: 'numbers.sid', twilio_auth_token: 'numbers.token',
} as const satisfies Record<keyof NumberForm, Key>

export function NumberPage() {
  const t = useT()
  const org = useOrg()
  const { id } = useParams({ strict: false }) as { id: string }
  const record = useRecord<NumberDetail>(org, 'phone_numbers', id, detailFields)
  if (record.isPending) return <Page title={t('numbers.one')} size="md"><SkeletonAfter200ms lines={6} /></Page>
  if (record.error && !record.data) return <ErrorState error={record.error} onRetry={() => void record.refetch()} level={1} />
  if (!record.data) return <Missing />
  return <Editor key={id} record={record.data} />
}

function Editor({ record }: { record: NumberDetail }) {
  const t = useT()
  const org = useOrg()
  const { can, organization } = useHere()
  const queries = useQueryClient()
  const going = record.sync_status === 'deleting'
  const manage = can('numbers.manage') && !going
  const seen = useMemo(() => toForm(record), [record])
  const form = useForm<NumberForm>({
    mode: 'controlled',
    initialValues: seen,
    validate: { fallback_number: (value) => (!value.trim() || isPhone(value) ? null : t('numbers.problems.phone')) },
  })
  const { base, dirty, conflicts, ...rebasing } = useRebasing(form, seen)

  const { submit, failure, busy, setFailure } = useSubmit(form, async (values) => {
    const stored = await pb.collection('phone_numbers').update<NumberDetail>(record.id, toPatch(base, values), { fields: detailFields.join() })
    return { sent: values, stored }
  }, ({ sent, stored }) => {
    // The stored token is never shown, so the field empties with the rest.
    rebasing.stored(toForm(stored), sent)
    void queries.invalidateQueries({ queryKey: [org, 'phone_numbers'] })
    saved(t('numbers.saved'))
  })
  const text = (name: keyof NumberForm & keyof typeof max) => ({ ...field(form, name, max[name] as { max?: number }), readOnly: !manage })
  // A person switches a number on or off; the other states are the provider's.
  const states = [...new Set(['active', 'inactive', record.status || 'inactive'] as const)]

  return (
    <Page title={phone(record.phone_number) || record.friendly_name || t('numbers.pendingNumber')} size="md"
      description={
        <Group gap="xs">
          <NumberStatus status={record.status} />
          <RecordSync collection="phone_numbers" row={record} canRetry={manage} />
          <Text size="sm">{t(`numbers.providers.${record.provider}`)}</Text>
        </Group>
      }
      actions={<>
        <Button component={Link} to={areaPath(org, 'numbers')} variant="subtle" color="gray" leftSection={<ArrowLeft size={16} aria-hidden />}>{t('numbers.title')}</Button>
        {manage && <Release record={record} />}
      </>}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {going && <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>{t('numbers.goingAway')}</Alert>}
          {!going && !record.phone_number && <Alert color="blue" variant="light" icon={<Hourglass size={18} aria-hidden />}>{t('numbers.waiting')}</Alert>}
          <ChangedMeanwhile fields={conflicts.map((name) => t(labels[name]))} takeTheirs={rebasing.takeTheirs} keepMine={rebasing.keepMine} />
          <ProblemAlert problem={failure} />
          <Section title={t('numbers.sections.answer')}>
            <TextInput label={t('numbers.name')} description={t('numbers.nameHint')} {...text('friendly_name')} />
            <AssistantSelect label={t('numbers.answeredBy')} description={t(record.provider === 'other' ? 'numbers.otherHint' : 'numbers.assistantHint')} {...field(form, 'assistant')} readOnly={!manage}
              value={form.values.assistant || null} onChange={(value) => form.setFieldValue('assistant', value ?? '')} />
            <Select label={t('numbers.status')} description={t('numbers.statusHint')} allowDeselect={false} styles={{ wrapper: { maxWidth: 280 } }} data={states.map((value) => ({ value, label: t(`numbers.statuses.${value}`) }))} {...text('status')} />
          </Section>
          <Section title={t('numbers.sections.fallback')} text={t('numbers.fallbackText')}>
            <TextInput type="tel" label={t('numbers.fallbackNumber')} description={t('numbers.fallbackHint')} placeholder={exampleNumber(organization?.country)}
              styles={{ wrapper: { maxWidth: 360 } }} {...text('fallback_number')} />
            <Textarea label={t('numbers.fallbackMessage')} description={t('numbers.fallbackMessageHint')} autosize minRows={2} {...text('fallback_message')} />
          </Section>
          {record.provider === 'twilio' && (
            <Section title={t('numbers.sections.twilio')}>
              <TextInput label={t('numbers.sid')} autoComplete="off" spellCheck={false} {...text('twilio_account_sid')} />
              <PasswordInput label={t('numbers.token')} autoComplete="new-password" description={t(record.twilio_auth_token_set ? 'numbers.tokenSet' : 'numbers.tokenHint')} visibilityToggleButtonProps={{ 'aria-label': t('numbers.showToken') }} {...field(form, 'twilio_auth_token')} readOnly={!manage} />
            </Section>
          )}
          <DirtyBar dirty={dirty && manage} saving={busy} onDiscard={() => {
            rebasing.discard()
            setFailure(undefined)
          }} />
        </Stack>
      </form>
    </Page>
  )
}

/** Gives a number up: said what that means for this provider, and typed to be sure. */
function Release({ record }: { record: NumberDetail }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => pb.collection('phone_numbers').delete(record.id),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [org, 'phone_numbers'] })
      saved(t('numbers.released'))
      void navigate({ to: areaPath(org, 'numbers'), ignoreBlocker: true })
    },
    onError: (error) => failed(problem(error, t)),
  })
  const kind = record.provider === 'vapi' ? 'vapi' : record.provider === 'other' ? 'other' : 'carrier'
  const ask = async () => {
    const yes = await confirm({
      title: t(`numbers.release.${kind}Title`), body: t(`numbers.release.${kind}Text`), action: t(`numbers.release.${kind}Action`), danger: true, typed: releaseText(record),
    })
    if (yes) remove.mutate()
  }
  return <Button variant="default" loading={remove.isPending} leftSection={<Trash2 size={16} aria-hidden />} onClick={() => void ask()}>{t(`numbers.release.${kind}Action`)}</Button>
}
