import { Alert, Button, Group, PasswordInput, Radio, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import '@mantine/core/styles/RadioCard.layer.css'
import '@mantine/core/styles/RadioIndicator.layer.css'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowLeft, Info } from 'lucide-react'
import { useId } from 'react'
import { field } from '../../components/Field'
import { Page } from '../../components/Page'
import { Section } from '../../components/Section'
import { Forbidden, ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { exampleNumber } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { AssistantSelect } from './AssistantSelect'
import { newBody, newProblems, type NewNumber } from './form'
import { newNumberRoute } from './routes'
import { ways, type Way } from './search'

const max = limits.phone_numbers
// The same in every language.
const sidExample = 'AC…'

export function NewNumberPage() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  if (!can('numbers.manage')) return <Forbidden level={1} />
  return (
    <Page title={t('numbers.new')} description={t('numbers.newText')} size="md"
      actions={<Button component={Link} to={areaPath(org, 'numbers')} variant="subtle" color="gray" leftSection={<ArrowLeft size={16} aria-hidden />}>{t('numbers.title')}</Button>}>
      <NewNumberForm />
    </Page>
  )
}

function NewNumberForm() {
  const t = useT()
  const org = useOrg()
  const group = useId()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { way = 'vapi' } = newNumberRoute.useSearch()
  const go = newNumberRoute.useNavigate()
  const { organization } = useHere()
  const form = useForm<NewNumber>({
    mode: 'controlled',
    initialValues: { friendly_name: '', phone_number: '', area_code: '', twilio_account_sid: '', twilio_auth_token: '', assistant: '' },
    validate: (values) => Object.fromEntries(Object.entries(newProblems(way, values)).map(([name, what]) => [name, t(`numbers.problems.${what}`)])),
  })
  const { submit, failure, busy } = useSubmit(form, (values) => pb.collection('phone_numbers').create<{ id: string }>({ organization: org, ...newBody(way, values) }, { fields: 'id' }), ({ id }) => {
    void queries.invalidateQueries({ queryKey: [org, 'phone_numbers'] })
    saved(t(way === 'vapi' ? 'numbers.ordered' : 'numbers.added'))
    void navigate({ to: areaPath(org, `numbers/${id}`), replace: true })
  })
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <ProblemAlert problem={failure} />
        <Section title={t('numbers.way.title')}>
          <Radio.Group aria-label={t('numbers.way.title')} name={group} value={way} onChange={(value) => {
            form.clearErrors()
            void go({ search: { way: value as Way }, replace: true })
          }}>
            <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
              {ways.map((one) => (
                <Radio.Card key={one} value={one} p="sm" radius="md" style={{ display: 'flex', alignItems: 'flex-start' }} aria-label={t(`numbers.way.${one}`)}>
                  <Group wrap="nowrap" gap="sm" align="flex-start">
                    <Radio.Indicator mt={2} />
                    <div>
                      <Text size="sm" fw={550}>{t(`numbers.way.${one}`)}</Text>
                      <Text size="xs" c="dimmed">{t(`numbers.wayTexts.${one}`)}</Text>
                    </div>
                  </Group>
                </Radio.Card>
              ))}
            </SimpleGrid>
          </Radio.Group>
        </Section>
        <Section title={t('numbers.details')}>
          {way === 'vapi' ? (
            <>
              <Alert color="blue" variant="light" icon={<Info size={18} aria-hidden />}>{t('numbers.freeLimits')}</Alert>
              <TextInput label={t('numbers.areaCode')} description={t('numbers.areaCodeHint')} placeholder="415" inputMode="numeric" styles={{ wrapper: { maxWidth: 200 } }} {...field(form, 'area_code', { required: true, max: max.area_code.max })} />
            </>
          ) : (
            <TextInput type="tel" label={t('numbers.number')} description={t('numbers.numberHint')} placeholder={exampleNumber(organization?.country)}
              styles={{ wrapper: { maxWidth: 360 } }} {...field(form, 'phone_number', { required: true, max: max.phone_number.max })} />
          )}
          {way === 'twilio' && (
            <>
              <TextInput label={t('numbers.sid')} description={t('numbers.sidHint')} placeholder={sidExample} autoComplete="off" spellCheck={false} {...field(form, 'twilio_account_sid', { required: true, max: max.twilio_account_sid.max })} />
              <PasswordInput label={t('numbers.token')} description={t('numbers.tokenHint')} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('numbers.showToken') }} {...field(form, 'twilio_auth_token', { required: true })} />
            </>
          )}
          <TextInput label={t('numbers.name')} description={t('numbers.nameHint')} placeholder={t('numbers.nameExample')} {...field(form, 'friendly_name', max.friendly_name)} />
          <AssistantSelect label={t('numbers.answeredBy')} description={t(way === 'other' ? 'numbers.otherHint' : 'numbers.assistantHint')} {...field(form, 'assistant')} value={form.values.assistant || null} onChange={(value) => form.setFieldValue('assistant', value ?? '')} />
          <div><Button type="submit" loading={busy}>{t(`numbers.do.${way}`)}</Button></div>
        </Section>
      </Stack>
    </form>
  )
}
