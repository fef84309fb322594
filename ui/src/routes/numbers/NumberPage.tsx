import { Alert, Group, PasswordInput, Select, Text, Textarea, TextInput } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { field } from '../../components/Field'
import { RecordPage, RemoveButton, type Editing } from '../../components/RecordPage'
import { Section } from '../../components/Section'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { exampleNumber, phone } from '../../lib/phone'
import { useHere } from '../../lib/session'
import { AssistantSelect } from './AssistantSelect'
import { Beginning } from './Beginning'
import { numberKind, type NumberDetail } from './data'
import { nameless, numberForm, releaseKind, releaseText, wasRefused, type NumberForm } from './form'
import { NumberStates } from './NumberStates'

const max = limits.phone_numbers
const numbers = { ...numberKind, ...numberForm }

export function NumberPage() {
  const t = useT()
  return (
    <RecordPage
      of={numbers}
      title={(record) => phone(record.phone_number) || record.friendly_name || t(nameless(record))}
      description={(record, writable) => (
        <Group gap="xs">
          <NumberStates row={record} canRetry={writable} />
          <Text size="sm">{t(`numbers.providers.${record.provider}`)}</Text>
        </Group>
      )}
      actions={(record) => <Release record={record} />}
      size="md"
      said="numbers.saved"
    >
      {(editing) => <Fields {...editing} />}
    </RecordPage>
  )
}

function Fields({ form, record, writable }: Editing<NumberDetail, NumberForm>) {
  const t = useT()
  const { organization } = useHere()
  const going = record.sync_status === 'deleting'
  const text = (name: keyof NumberForm & keyof typeof max) => ({
    ...field(form, name, max[name] as { max?: number }), readOnly: !writable,
  })
  // A person switches a number on or off; the other states are the provider's.
  const states = [...new Set(['active', 'inactive', record.status || 'inactive'] as const)]
  return (
    <>
      {going && (
        <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
          {t('numbers.goingAway')}
        </Alert>
      )}
      {!going && <Beginning record={record} />}
      <Section title={t('numbers.sections.answer')}>
        <TextInput label={t('numbers.name')} description={t('numbers.nameHint')} {...text('friendly_name')} />
        <AssistantSelect
          label={t('numbers.answeredBy')}
          description={t(record.provider === 'other' ? 'numbers.otherHint' : 'numbers.assistantHint')}
          {...field(form, 'assistant')}
          readOnly={!writable}
          value={form.values.assistant || null}
          onChange={(value) => form.setFieldValue('assistant', value ?? '')}
        />
        <Select
          label={t('numbers.status')}
          description={t('numbers.statusHint')}
          allowDeselect={false}
          styles={{ wrapper: { maxWidth: 280 } }}
          data={states.map((value) => ({ value, label: t(`numbers.statuses.${value}`) }))}
          {...text('status')}
        />
      </Section>
      <Section title={t('numbers.sections.fallback')} text={t('numbers.fallbackText')}>
        <TextInput
          type="tel"
          label={t('numbers.fallbackNumber')}
          description={t('numbers.fallbackHint')}
          placeholder={exampleNumber(organization?.country)}
          styles={{ wrapper: { maxWidth: 360 } }}
          {...text('fallback_number')}
        />
        <Textarea
          label={t('numbers.fallbackMessage')}
          description={t('numbers.fallbackMessageHint')}
          autosize
          minRows={2}
          {...text('fallback_message')}
        />
      </Section>
      {record.provider === 'twilio' && (
        <Section title={t('numbers.sections.twilio')}>
          <TextInput label={t('numbers.sid')} autoComplete="off" spellCheck={false} {...text('twilio_account_sid')} />
          <PasswordInput
            label={t('numbers.token')}
            autoComplete="new-password"
            description={t(record.twilio_auth_token_set ? 'numbers.tokenSet' : 'numbers.tokenHint')}
            visibilityToggleButtonProps={{ 'aria-label': t('numbers.showToken') }}
            {...field(form, 'twilio_auth_token')}
            readOnly={!writable}
          />
        </Section>
      )}
    </>
  )
}

/** Gives a number up: said what that means for this provider, and typed to be sure. */
function Release({ record }: { record: NumberDetail }) {
  const t = useT()
  const kind = releaseKind(record)
  const typed = releaseText(record)
  return (
    <RemoveButton
      of={numbers}
      id={record.id}
      question={{
        title: t(`numbers.release.${kind}Title`),
        body: t(`numbers.release.${kind}Text`),
        action: t(`numbers.release.${kind}Action`),
        ...(typed && { typed }),
      }}
      done={t(wasRefused(record) ? 'numbers.deleted' : 'numbers.released')}
    />
  )
}
