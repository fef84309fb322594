import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Info } from 'lucide-react'
import { useEffect, useEffectEvent, useRef, useState, type ReactNode } from 'react'
import { Dialog } from '../../components/Dialog'
import { RecordSelect } from '../../components/RecordSelect'
import { ProblemAlert } from '../../components/States'
import { api } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { e164, exampleNumber, isDigits, isPhone, phone } from '../../lib/phone'
import { randomId } from '../../lib/random'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { QuickAssistantDialog } from '../assistants/QuickAssistant'
import { QuickNumberDialog } from '../numbers/QuickNumber'
import { assistantsQuery, numbersQuery } from './data'
import { fromChoices, isConnected } from './from'
import { earlierOf, isSpent, type Earlier } from './press'

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
export function PlaceCall({ onClose, to = '', name = '', by = '', from: line = '' }: {
  onClose: () => void
  to?: string
  name?: string
  /** The assistant and the number that are taken when they can call; of one alone it is that one. */
  by?: string
  from?: string
}) {
  const t = useT()
  const org = useOrg()
  const { organization, can } = useHere()
  const navigate = useNavigate()
  const assistants = useQuery(assistantsQuery(org))
  const numbers = useQuery(numbersQuery(org))
  const { data: desk } = useQuery(deskQuery)
  const [earlier, setEarlier] = useState<Earlier>()
  const [making, setMaking] = useState<'assistant' | 'phone_number'>()
  const form = useForm<Values>({
    onValuesChange: () => setEarlier(undefined), // another call is not that one again
    initialValues: { assistant: '', phone_number: '', customer_number: to, customer_name: name },
    validate: {
      assistant: (value) => (value ? null : t('errors.field.required')),
      phone_number: (value) => (value ? null : t('errors.field.required')),
      customer_number: (value) =>
        (isDigits(value) ? null : t(value.trim() ? 'calls.place.notNumber' : 'errors.field.required')),
    },
  })
  const begin = useEffectEvent(() => {
    const { assistant: chosen, phone_number: number } = form.getValues()
    if (!chosen) form.setFieldValue('assistant', only(assistants.data?.filter((a) => a.vapi_assistant_id), by))
    const connected = numbers.data?.filter(isConnected)
    // A call may not know its number any more; the assistant's own does as well.
    const own = connected?.find((n) => n.assistant !== '' && n.assistant === form.getValues().assistant)
    if (!number) form.setFieldValue('phone_number', only(connected, line) || (own?.id ?? ''))
  })
  // Also when one was made here, and when its copy is at the provider.
  const able = [assistants.data?.filter((a) => a.vapi_assistant_id), numbers.data?.filter(isConnected)].map((a) => a?.length)
  const ready = able.every((n) => n !== undefined) && able.join()
  useEffect(() => {
    if (ready) begin()
  }, [ready])
  const [known, setKnown] = useState<Placed>()
  const press = useRef({ body: '', key: '' })
  const open = (id: string) => {
    onClose()
    void navigate({ to: areaPath(org, `calls/${id}`) })
  }
  const place = async (values: Values, force: boolean) => {
    const body = {
      ...values,
      customer_number: e164(values.customer_number),
      customer_name: values.customer_name.trim(),
      force,
    }
    // One key for one wish: after an answer that was lost on the way to us the same wish finds its call.
    const wish = JSON.stringify(body)
    if (press.current.body !== wish) press.current = { body: wish, key: randomId() }
    try {
      return await api.post<Placed>(`/api/organizations/${org}/calls`, body, {
        headers: { 'Idempotency-Key': press.current.key },
      })
    } catch (error) {
      if (isSpent(error)) press.current = { body: '', key: '' }
      setEarlier(earlierOf(error))
      throw error
    }
  }
  const done = (placed: Placed) => (placed.placing ? setKnown(placed) : open(placed.id))
  const { submit, failure, busy, setFailure } = useSubmit(form, (values) => {
    setEarlier(undefined)
    return place(values, false)
  }, done)
  const again = useMutation({
    mutationFn: () => place(form.getValues(), true),
    onMutate: () => setEarlier(undefined),
    onSuccess: done,
    onError: (error) => setFailure(problem(error, t)),
  })
  const refused = form.errors.customer_number
  const sending = busy || again.isPending
  const { assistant, phone_number, customer_number } = form.values
  const who = assistants.data?.find((a) => a.id === assistant)
  const from = numbers.data?.find((n) => n.id === phone_number)
  // One that is on its way to the provider can be called from as soon as it is there.
  const connecting = !!numbers.data?.length && !numbers.data.some(isConnected)
  const made = () => setMaking(undefined)
  if (known?.placing) {
    return (
      <Dialog onClose={onClose} title={t('calls.place.title')}>
        <Stack gap="md">
          <Alert
            color="yellow"
            variant="light"
            icon={<Info size={18} aria-hidden />}
            role="status"
            title={t(`calls.place.${known.placing}`)}
          >
            <Text size="sm" className="pl-wrap">
              {t(`calls.place.${known.placing}Text`)}
            </Text>
          </Alert>
          <Group justify="flex-end"><Button onClick={() => open(known.id)}>{t('calls.place.open')}</Button></Group>
        </Stack>
      </Dialog>
    )
  }
  return (
    <Dialog onClose={onClose} held={sending} title={t('calls.place.title')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {earlier ? (
            <Alert
              color="yellow"
              variant="light"
              icon={<Info size={18} aria-hidden />}
              role="alert"
              title={t(`calls.place.again.${earlier.placing ?? 'placed'}.title`)}
            >
              <Text size="sm" mb="xs" className="pl-wrap">
                {t(`calls.place.again.${earlier.placing ?? 'placed'}.text`)}
              </Text>
              <Group gap="xs">
                <Button variant="default" size="xs" onClick={() => open(earlier.id)}>
                  {t('calls.place.open')}
                </Button>
                <Button size="xs" loading={again.isPending} onClick={() => again.mutate()}>
                  {t('calls.place.callAgain')}
                </Button>
              </Group>
            </Alert>
          ) : (
            <ProblemAlert problem={failure} />
          )}
          {connecting && (
            <Alert color="yellow" variant="light" icon={<Info size={18} aria-hidden />}>
              {t('calls.simulate.connecting')}
            </Alert>
          )}
          <TextInput
            label={t('calls.place.to')}
            description={t('calls.place.toHint')}
            placeholder={exampleNumber(organization?.country)}
            type="tel"
            autoComplete="off"
            required
            maxLength={40}
            data-autofocus
            {...form.getInputProps('customer_number')}
            error={refused && <Refusal said={refused} />}
          />
          <TextInput
            label={t('calls.place.name')}
            maxLength={100}
            autoComplete="off"
            {...form.getInputProps('customer_name')}
          />
          <RecordSelect
            label={t('calls.assistant')}
            required
            data={assistants.data?.map((a) => ({ value: a.id, label: a.name }))}
            empty={t('assistants.empty.title')}
            create={can('assistants.manage')
              ? { label: t('assistants.new'), open: () => setMaking('assistant') }
              : undefined}
            {...form.getInputProps('assistant')}
          />
          <RecordSelect
            label={t('calls.place.from')}
            required
            data={numbers.data && fromChoices(numbers.data, t)}
            empty={t('numbers.empty.title')}
            create={can('numbers.manage') ? { label: t('numbers.new'), open: () => setMaking('phone_number') } : undefined}
            {...form.getInputProps('phone_number')}
          />
          {who && from && isPhone(customer_number) && !refused && !failure && (
            <Alert color="teal" variant="light" icon={<Info size={18} aria-hidden />} role="status">
              <Text size="sm" className="pl-wrap">
                {t('calls.place.does', {
                  assistant: who.name,
                  to: phone(e164(customer_number)),
                  from: phone(from.phone_number),
                })}
              </Text>
              {who.first_message && (
                <Text size="sm" mt={4} className="pl-wrap">
                  {t('calls.place.says', { words: who.first_message })}
                </Text>
              )}
              {desk?.sandbox === false && <Text size="xs" mt={4}>{t('calls.place.price')}</Text>}
            </Alert>
          )}
          {sending && <Text size="sm" c="dimmed" role="status">{t('calls.place.sending')}</Text>}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" disabled={sending} onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={sending}>{t('calls.place.call')}</Button>
          </Group>
        </Stack>
      </form>
      {making === 'assistant' && <QuickAssistantDialog onClose={made} onMade={made} />}
      {making === 'phone_number' && <QuickNumberDialog onClose={made} onMade={made} />}
    </Dialog>
  )
}

const only = (able: readonly { id: string }[] | undefined, wanted: string): string =>
  (able?.find(({ id }) => id === wanted) ?? (able?.length === 1 ? able[0] : undefined))?.id ?? ''

/** Why a number is not called, with the way to where that is set. */
function Refusal({ said }: { said: ReactNode }) {
  const t = useT()
  const org = useOrg()
  const place = t('calls.place.settings')
  if (typeof said !== 'string' || !said.includes(place)) return said
  const [before, after] = said.split(place)
  return (
    <>
      {before}
      <Anchor component={Link} to={areaPath(org, 'settings')} inherit underline="always" c="inherit">{place}</Anchor>
      {after}
    </>
  )
}
