import { Alert, PasswordInput, Radio, TextInput } from '@mantine/core'
import { Info } from 'lucide-react'
import { useId } from 'react'
import { field } from '../../components/Field'
import { RadioCards } from '../../components/RadioCards'
import { NewPage } from '../../components/RecordPage'
import { Section } from '../../components/Section'
import type { Editor } from '../../lib/editor'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { exampleNumber } from '../../lib/phone'
import { useHere } from '../../lib/session'
import { AssistantSelect } from './AssistantSelect'
import { numberKind, type NumberDetail } from './data'
import { newNumberForm, type NewNumber } from './form'
import { newNumberRoute } from './routes'
import { ways, type Way } from './search'

const max = limits.phone_numbers
// The same in every language.
const sidExample = 'AC…'

export function NewNumberPage() {
  const t = useT()
  const { way = 'vapi' } = newNumberRoute.useSearch()
  return (
    <NewPage
      of={{ ...numberKind, ...newNumberForm(way) }}
      text={t('numbers.newText')}
      create={t(`numbers.do.${way}`)}
      // What becomes of one at the provider its page says.
      said={way === 'other' ? t('numbers.added') : undefined}
    >
      {({ form }) => <Fields way={way} form={form} />}
    </NewPage>
  )
}

function Fields({ way, form }: { way: Way } & Pick<Editor<NumberDetail, NewNumber>, 'form'>) {
  const t = useT()
  const group = useId()
  const go = newNumberRoute.useNavigate()
  const { organization } = useHere()
  return (
    <>
      <Section title={t('numbers.way.title')}>
        <Radio.Group aria-label={t('numbers.way.title')} name={group} value={way} onChange={(value) => {
          form.clearErrors()
          void go({ search: { way: value as Way }, replace: true })
        }}>
          <RadioCards cols={{ base: 1, sm: 3 }} ways={ways.map((one) => ({
            value: one, label: t(`numbers.way.${one}`), text: t(`numbers.wayTexts.${one}`),
          }))} />
        </Radio.Group>
      </Section>
      <Section title={t('numbers.details')}>
        {way === 'vapi' ? (
          <>
            <Alert color="blue" variant="light" icon={<Info size={18} aria-hidden />}>
              {t('numbers.freeLimits')}
            </Alert>
            <TextInput
              label={t('numbers.areaCode')}
              description={t('numbers.areaCodeHint')}
              placeholder="415"
              inputMode="numeric"
              styles={{ wrapper: { maxWidth: 200 } }}
              {...field(form, 'area_code', { required: true, max: max.area_code.max })}
            />
          </>
        ) : (
          <TextInput
            type="tel"
            label={t('numbers.number')}
            description={t('numbers.numberHint')}
            placeholder={exampleNumber(organization?.country)}
            styles={{ wrapper: { maxWidth: 360 } }}
            {...field(form, 'phone_number', { required: true, max: max.phone_number.max })}
          />
        )}
        {way === 'twilio' && (
          <>
            <TextInput
              label={t('numbers.sid')}
              description={t('numbers.sidHint')}
              placeholder={sidExample}
              autoComplete="off"
              spellCheck={false}
              {...field(form, 'twilio_account_sid', { required: true, max: max.twilio_account_sid.max })}
            />
            <PasswordInput
              label={t('numbers.token')}
              description={t('numbers.tokenHint')}
              autoComplete="new-password"
              visibilityToggleButtonProps={{ 'aria-label': t('numbers.showToken') }}
              {...field(form, 'twilio_auth_token', { required: true })}
            />
          </>
        )}
        <TextInput
          label={t('numbers.name')}
          description={t('numbers.nameHint')}
          placeholder={t('numbers.nameExample')}
          {...field(form, 'friendly_name', max.friendly_name)}
        />
        <AssistantSelect
          label={t('numbers.answeredBy')}
          description={t(way === 'other' ? 'numbers.otherHint' : 'numbers.assistantHint')}
          {...field(form, 'assistant')}
          value={form.values.assistant || null}
          onChange={(value) => form.setFieldValue('assistant', value ?? '')}
        />
      </Section>
    </>
  )
}
