import { Button, Group, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { MessageSquareText, PhoneOff, Undo2 } from 'lucide-react'
import { confirm } from '../../components/confirm'
import { ProblemAlert } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import type { CallItem } from './data'
import classes from './Live.module.css'

// What the server takes at most.
const SAY_MAX = 1000

/** What a person can do about a call that is not over: take back one that waits, let the assistant say something, end it. */
export function LiveActions({ call: { id, placing }, who }: { call: Pick<CallItem, 'id' | 'placing'>; who: string }) {
  if (placing === 'unclear') return null // what is not known to run cannot be ended
  return placing === 'waiting' ? <TakeBack id={id} /> : <InCall id={id} who={who} />
}

function TakeBack({ id }: { id: string }) {
  const t = useT()
  const take = useEnd(id)
  return <div><Button variant="default" loading={take.isPending} leftSection={<Undo2 size={16} aria-hidden />} onClick={() => take.mutate()}>{t('calls.live.takeBack')}</Button></div>
}

function useEnd(id: string) {
  const t = useT()
  return useMutation({ mutationFn: () => api.post(`/api/calls/${id}/end`), onError: (error) => failed(problem(error, t)) })
}

function InCall({ id, who }: { id: string; who: string }) {
  const t = useT()
  const form = useForm({ mode: 'uncontrolled', initialValues: { content: '' }, validate: { content: (value) => (value.trim() ? null : t('errors.field.required')) } })
  const { submit, failure, busy } = useSubmit(form, ({ content }) => api.post(`/api/calls/${id}/say`, { content: content.trim() }), () => {
    form.reset()
    saved(t('calls.live.said'))
  })
  const end = useEnd(id)
  const hangUp = async () => {
    if (await confirm({ title: t('calls.live.endTitle'), body: t('calls.live.endText', { who }), action: t('calls.live.end'), danger: true })) end.mutate()
  }
  return (
    <>
      <form onSubmit={submit} noValidate className={classes.actions}>
        <TextInput className={classes.say} aria-label={t('calls.live.say')} placeholder={t('calls.live.sayWords')} maxLength={SAY_MAX} autoComplete="off" key={form.key('content')} {...form.getInputProps('content')} />
        <Group gap="xs" wrap="nowrap">
          <Button type="submit" variant="default" loading={busy} leftSection={<MessageSquareText size={16} aria-hidden />}>{t('calls.live.sayIt')}</Button>
          <Button color="red" variant="light" loading={end.isPending} leftSection={<PhoneOff size={16} aria-hidden />} onClick={() => void hangUp()}>{t('calls.live.end')}</Button>
        </Group>
      </form>
      <ProblemAlert problem={failure} />
    </>
  )
}
