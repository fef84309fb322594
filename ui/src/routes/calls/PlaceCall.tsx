import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Info } from 'lucide-react'
import { ClientResponseError } from 'pocketbase'
import { useRef, useState } from 'react'
import { ProblemAlert } from '../../components/States'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { e164, exampleNumber, phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { assistantsQuery, numbersQuery } from './data'

/** What the server answers: placed, or what is known so far. */
interface Placed {
  id: string
  placing?: 'waiting' | 'unclear'
}

interface Values extends Record<string, unknown> {
  assistant: string
  phone_number: string
  customer_number: string
  customer_name: string
}

/** Asks whom to call, and says what will happen before it does. */
export function PlaceCall({ onClose, to = '', name = '' }: { onClose: () => void; to?: string; name?: string }) {
  const t = useT()
  const org = useOrg()
  const { organization } = useHere()
  const navigate = useNavigate()
  const assistants = useQuery(assistantsQuery(org))
  const numbers = useQuery(numbersQuery(org))
  const [earlier, setEarlier] = useState('')
  const form = useForm<Values>({
    onValuesChange: () => setEarlier(''), // another call is not that one again
    initialValues: { assistant: '', phone_number: '', customer_number: to, customer_name: name },
    validate: {
      assistant: (value) => (value ? null : t('errors.field.required')),
      phone_number: (value) => (value ? null : t('errors.field.required')),
      customer_number: (value) => (value.trim() ? null : t('errors.field.required')),
    },
  })
  const [known, setKnown] = useState<Placed>()
  const press = useRef({ body: '', key: '' })
  const open = (id: string) => {
    onClose()
    void navigate({ to: areaPath(org, `calls/${id}`) })
  }
  const place = async (values: Values, force: boolean) => {
    const body = { ...values, customer_number: e164(values.customer_number), customer_name: values.customer_name.trim(), force }
    // One key for one wish: after an answer that was lost on the way to us the same wish finds its call.
    const wish = JSON.stringify(body)
    if (press.current.body !== wish) press.current = { body: wish, key: crypto.randomUUID() }
    try {
      return await api.post<Placed>(`/api/organizations/${org}/calls`, body, { headers: { 'Idempotency-Key': press.current.key } })
    } catch (error) {
      if (error instanceof ClientResponseError && error.status > 0) {
        press.current = { body: '', key: '' }
        if (error.response.code === 'call_just_placed') setEarlier(String(error.response.call))
      }
      throw error
    }
  }
  const done = (placed: Placed) => (placed.placing ? setKnown(placed) : open(placed.id))
  const { submit, failure, busy, setFailure } = useSubmit(form, (values) => {
    setEarlier('')
    return place(values, false)
  }, done)
  const again = useMutation({
    mutationFn: () => place(form.getValues(), true),
    onMutate: () => setEarlier(''),
    onSuccess: done,
    onError: (error) => setFailure(problem(error, t)),
  })
  const { assistant, phone_number, customer_number } = form.values
  const who = assistants.data?.find((a) => a.id === assistant)
  const from = numbers.data?.find((n) => n.id === phone_number)
  const nothing = assistants.data?.length === 0 || numbers.data?.length === 0
  if (known?.placing) {
    return (
      <Modal opened onClose={onClose} title={t('calls.place.title')} closeButtonProps={{ 'aria-label': t('actions.close') }}>
        <Stack gap="md">
          <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />} role="status" title={t(`calls.place.${known.placing}`)}>
            <Text size="sm" className="pl-wrap">{t(`calls.place.${known.placing}Text`)}</Text>
          </Alert>
          <Group justify="flex-end"><Button onClick={() => open(known.id)}>{t('calls.place.open')}</Button></Group>
        </Stack>
      </Modal>
    )
  }
  return (
    <Modal opened onClose={onClose} title={t('calls.place.title')} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {earlier ? (
            <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />} role="alert" title={t('calls.place.again')}>
              <Text size="sm" mb="xs" className="pl-wrap">{t('calls.place.againText')}</Text>
              <Group gap="xs">
                <Button variant="default" size="xs" onClick={() => open(earlier)}>{t('calls.place.open')}</Button>
                <Button size="xs" loading={again.isPending} onClick={() => again.mutate()}>{t('calls.place.callAgain')}</Button>
              </Group>
            </Alert>
          ) : <ProblemAlert problem={failure} />}
          {nothing && <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />}>{t('calls.place.nothing')}</Alert>}
          <TextInput label={t('calls.place.to')} description={t('calls.place.toHint')} placeholder={exampleNumber(organization?.country)}
            type="tel" autoComplete="off" required maxLength={40} data-autofocus {...form.getInputProps('customer_number')} />
          <TextInput label={t('calls.place.name')} maxLength={100} autoComplete="off" {...form.getInputProps('customer_name')} />
          <Select label={t('calls.assistant')} required searchable={(assistants.data?.length ?? 0) > 8} data={(assistants.data ?? []).map((a) => ({ value: a.id, label: a.name }))} {...form.getInputProps('assistant')} />
          <Select label={t('calls.place.from')} required data={(numbers.data ?? []).map((n) => ({ value: n.id, label: n.name ? `${n.name} · ${phone(n.phone_number)}` : phone(n.phone_number) }))} {...form.getInputProps('phone_number')} />
          {who && from && customer_number.trim() && (
            <Alert color="teal" variant="light" icon={<Info size={18} aria-hidden />} role="status">
              <Text size="sm" className="pl-wrap">{t('calls.place.does', { assistant: who.name, to: phone(e164(customer_number)), from: phone(from.phone_number) })}</Text>
              {who.first_message && <Text size="sm" mt={4} className="pl-wrap">{t('calls.place.says', { words: who.first_message })}</Text>}
              <Text size="xs" mt={4}>{t('calls.place.price')}</Text>
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={busy || again.isPending}>{t('calls.place.call')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
