import { Alert, Button, Group, Loader, Modal, Radio, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import { useForm } from '@mantine/form'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Info } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Field } from '../../components/Field'
import { ProblemAlert } from '../../components/States'
import { api } from '../../lib/api'
import { useSubmit } from '../../lib/form'
import { useLanguage, useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { areaPath, useOrg } from '../../lib/session'
import { numbersQuery } from './data'

/** Callers the sandbox can play on an incoming call. */
const scripts = ['booking', 'price', 'angry', 'generic', 'silence', 'voicemail', 'hangup'] as const

// The call's first message arrives within a second; after this long something is wrong.
const PATIENCE_MS = 20_000
const LOOK_MS = 500

interface Values extends Record<string, unknown> {
  phone_number: string
  script: string
  language: string
}

/** Lets a scripted caller ring one of the numbers, and goes to the call as soon as it is there. */
export function Simulate({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const language = useLanguage()
  const numbers = useQuery(numbersQuery(org))
  const [ringing, setRinging] = useState<string>()
  const first = numbers.data?.find((n) => n.assistant && n.vapi_phone_id) ?? numbers.data?.[0]
  const form = useForm<Values>({ initialValues: { phone_number: '', script: 'booking', language } })
  const number = form.values.phone_number || first?.id || ''
  const { submit, failure, busy } = useSubmit(
    form,
    (values) => api.post<{ vapi_call_id: string }>('/api/simulate', { ...values, phone_number: number }, { query: { organization: org } }),
    ({ vapi_call_id }) => setRinging(vapi_call_id),
  )
  return (
    <Modal opened onClose={onClose} title={t('calls.simulate.title')} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      {ringing ? <Ringing key={ringing} vapiID={ringing} onClose={onClose} /> : (
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            <Text size="sm" c="dimmed">{t('calls.simulate.text')}</Text>
            <ProblemAlert problem={failure} />
            {numbers.data?.length === 0 && <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />}>{t('calls.simulate.noNumber')}</Alert>}
            <Select label={t('calls.number')} required allowDeselect={false} data={(numbers.data ?? []).map((n) => ({ value: n.id, label: n.name ? `${n.name} · ${phone(n.phone_number)}` : phone(n.phone_number) }))}
              {...form.getInputProps('phone_number')} value={number || null} />
            <Radio.Group label={t('calls.simulate.caller')} {...form.getInputProps('script')}>
              <Stack gap="xs" mt={4}>
                {scripts.map((script) => <Radio key={script} value={script} label={t(`calls.simulate.scripts.${script}`)} />)}
              </Stack>
            </Radio.Group>
            <Field label={t('calls.simulate.speaks')}>
              {(ids) => <SegmentedControl {...ids} fullWidth data={[{ value: 'en', label: 'English' }, { value: 'fr', label: 'Français' }]} {...form.getInputProps('language')} />}
            </Field>
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
              <Button type="submit" loading={busy} disabled={!number}>{t('calls.simulate.ring')}</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}

function Ringing({ vapiID, onClose }: { vapiID: string; onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const navigate = useNavigate()
  const [late, setLate] = useState(false)
  const { data: id } = useQuery({
    queryKey: [org, 'calls', 'by-provider', vapiID],
    refetchInterval: (query) => (query.state.data || late ? false : LOOK_MS),
    queryFn: async ({ signal }) => (await pb.collection('calls').getList<{ id: string }>(1, 1, {
      filter: pb.filter('organization = {:org} && vapi_call_id = {:vapiID}', { org, vapiID }), fields: 'id', skipTotal: true, signal,
    })).items[0]?.id ?? null,
  })
  useEffect(() => {
    if (!id) return
    onClose()
    void navigate({ to: areaPath(org, `calls/${id}`) })
  }, [id, navigate, onClose, org])
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
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
