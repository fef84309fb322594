import { Alert, Button, Group, Loader, Radio, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { Info } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { Field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { useSubmit } from '../../lib/form'
import { useLanguage, useT } from '../../lib/i18n'
import { useHere, useOrg } from '../../lib/session'
import { AssistantSelect } from '../numbers/AssistantSelect'
import { QuickNumber } from '../numbers/QuickNumber'
import { useAnswerer } from '../numbers/useAnswerer'
import { numbersQuery } from './data'
import { fromChoices, isConnected } from './from'
import { simulate, useArrival, type Order } from './ring'

/** Callers the sandbox can play on an incoming call. */
const scripts = ['booking', 'price', 'angry', 'generic', 'silence', 'voicemail', 'hangup'] as const

/** Lets a scripted caller ring one of the numbers, and goes to the call as soon as it is there. */
export function Simulate({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const language = useLanguage()
  const { can } = useHere()
  const numbers = useQuery(numbersQuery(org))
  const [ringing, setRinging] = useState<string>()
  const first = numbers.data?.find((n) => n.assistant && isConnected(n)) ?? numbers.data?.find(isConnected)
  const form = useForm<Order>({ initialValues: { phone_number: '', script: 'booking', language } })
  const number = form.values.phone_number || first?.id || ''
  const answer = useAnswerer({ id: number })
  const { submit, failure, busy } = useSubmit(
    form,
    (values) => simulate(org, { ...values, phone_number: number }),
    ({ vapi_call_id }) => setRinging(vapi_call_id),
  )
  const answered = numbers.data?.find((n) => n.id === number)?.assistant !== ''
  // Nothing to ring: the number is made here, and the caller goes on.
  if (numbers.data?.length === 0)
    return (
      <Dialog onClose={onClose} title={t('calls.simulate.title')}>
        <Stack gap="md">
          <Text size="sm">{t(can('numbers.manage') ? 'calls.simulate.noNumber' : 'numbers.empty.ask')}</Text>
          {can('numbers.manage') && <QuickNumber />}
        </Stack>
      </Dialog>
    )
  return (
    <Dialog onClose={onClose} title={t('calls.simulate.title')}>
      {ringing ? <Ringing key={ringing} vapiID={ringing} onClose={onClose} /> : (
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            <Text size="sm" c="dimmed">{t('calls.simulate.text')}</Text>
            <ProblemAlert problem={failure} />
            {numbers.data?.some(isConnected) === false && (
              <Alert color="yellow" variant="light" role="status" icon={<Info size={18} aria-hidden />}>
                {t('calls.simulate.connecting')}
              </Alert>
            )}
            <Select
              label={t('calls.number')}
              required
              allowDeselect={false}
              data={fromChoices(numbers.data ?? [], t)}
              {...form.getInputProps('phone_number')}
              value={number || null}
            />
            {number && !answered && (
              <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />}>
                <Stack gap="xs">
                  {t('home.reason.no_assistant')}
                  {can('numbers.manage') && (
                    <AssistantSelect
                      label={t('numbers.answeredBy')}
                      value={null}
                      onChange={(id) => answer.mutate(id ?? '')}
                    />
                  )}
                </Stack>
              </Alert>
            )}
            <Radio.Group label={t('calls.simulate.caller')} {...form.getInputProps('script')}>
              <Stack gap="xs" mt={4}>
                {scripts.map((script) => (
                  <Radio key={script} value={script} label={t(`calls.simulate.scripts.${script}`)} />
                ))}
              </Stack>
            </Radio.Group>
            <Field label={t('calls.simulate.speaks')}>
              {(ids) => (
                <SegmentedControl
                  {...ids}
                  fullWidth
                  data={[
                    { value: 'en', label: 'English' },
                    { value: 'fr', label: 'Français' },
                  ]}
                  {...form.getInputProps('language')}
                />
              )}
            </Field>
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
              <Button type="submit" loading={busy} disabled={!number || !answered}>{t('calls.simulate.ring')}</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  )
}

function Ringing({ vapiID, onClose }: { vapiID: string; onClose: () => void }) {
  const t = useT()
  const { late } = useArrival(vapiID, onClose)
  return (
    <Stack align="center" gap="sm" py="lg" role="status">
      {late ? <Text size="sm" ta="center">{t('calls.simulate.late')}</Text> : (
        <>
          <Loader size={28} />
          <Text size="sm">{t('calls.simulate.ringing')}</Text>
        </>
      )}
    </Stack>
  )
}
