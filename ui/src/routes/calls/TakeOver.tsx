import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Dialog } from '../../components/Dialog'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { api } from '../../lib/api'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { e164, isDigits } from '../../lib/phone'
import { keys, recall, remember } from '../../lib/prefs'

// What the server takes at most.
const SAY_MAX = 1000

/** Asks for the phone a running call is put through to. It is remembered: it is mostly the same one. */
export function TakeOver({ id, who, onClose }: { id: string; who: string; onClose: () => void }) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { phone_number: recall(keys.takeOver) ?? '', content: '' },
    validate: {
      phone_number: (value) => (isDigits(value) ? null : t(value.trim() ? 'calls.place.notNumber' : 'errors.field.required')),
    },
  })
  const { submit, failure, busy } = useSubmit(form, async ({ phone_number, content }) => {
    await api.post(`/api/calls/${id}/transfer`, { phone_number: e164(phone_number), content: content.trim() })
    remember(keys.takeOver, phone_number)
  }, () => {
    saved(t('calls.live.takenOver'))
    onClose()
  })
  return (
    <Dialog onClose={onClose} title={t('calls.live.takeOverTitle')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Text size="sm" className="pl-wrap">{t('calls.live.takeOverText', { who })}</Text>
          <TextInput
            label={t('calls.live.yourPhone')}
            type="tel"
            autoComplete="tel"
            data-autofocus
            key={form.key('phone_number')}
            {...form.getInputProps('phone_number')}
          />
          <TextInput
            label={t('calls.live.takeOverSay')}
            maxLength={SAY_MAX}
            autoComplete="off"
            key={form.key('content')}
            {...form.getInputProps('content')}
          />
          <ProblemAlert problem={failure} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={busy}>{t('calls.live.takeOver')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
