import { Button, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { MessageSquareText, PhoneForwarded, PhoneOff, Undo2 } from 'lucide-react'
import { Suspense, useState } from 'react'
import { confirm } from '../../components/confirm'
import { ProblemAlert } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import type { CallItem } from './data'
import { TakeOver } from './dialogs'
import { ListenButton, useListening } from './Listen'
import classes from './Live.module.css'

// What the server takes at most.
const SAY_MAX = 1000

/**
 * What a person can do about a call that is not over: take back one that waits; in one that runs listen, let the assistant say
 * something, take it over, end it. `sticky`: it stays in sight while the page scrolls.
 */
export function LiveActions({ call, who, acts, sticky = false }: {
  call: Pick<CallItem, 'id' | 'placing' | 'answered_at'>
  who: string
  /** Whether this person may act in calls; who may not listens alone. */
  acts: boolean
  sticky?: boolean
}) {
  const t = useT()
  const { id, placing, answered_at } = call
  const listening = useListening(id)
  if (placing === 'unclear') return null // what is not known to run cannot be ended
  if (placing === 'waiting') return acts ? <TakeBack id={id} /> : null
  if (!acts && !answered_at) return null
  return (
    <section className={`${classes.bar} ${sticky ? classes.sticky : ''}`} aria-label={t('calls.live.bar', { who })}>
      {acts && <Say id={id} />}
      <div className={classes.buttons}>
        {answered_at && <ListenButton {...listening} />}
        {acts && <Ways id={id} who={who} answered={answered_at !== ''} />}
      </div>
      <ProblemAlert problem={listening.failure} />
    </section>
  )
}

function TakeBack({ id }: { id: string }) {
  const t = useT()
  const take = useEnd(id)
  return (
    <div>
      <Button
        variant="default"
        loading={take.isPending}
        leftSection={<Undo2 size={16} aria-hidden />}
        onClick={() => take.mutate()}
      >
        {t('calls.live.takeBack')}
      </Button>
    </div>
  )
}

function useEnd(id: string) {
  const t = useT()
  return useMutation({
    mutationFn: () => api.post(`/api/calls/${id}/end`),
    onError: (error) => failed(problem(error, t)),
  })
}

function Say({ id }: { id: string }) {
  const t = useT()
  const form = useForm({
    mode: 'uncontrolled',
    initialValues: { content: '' },
    validate: { content: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const say = ({ content }: { content: string }) => api.post(`/api/calls/${id}/say`, { content: content.trim() })
  const { submit, failure, busy } = useSubmit(form, say, () => {
    form.reset()
    saved(t('calls.live.said'))
  })
  return (
    <>
      <form onSubmit={submit} noValidate className={classes.actions}>
        <TextInput
          className={classes.say}
          aria-label={t('calls.live.say')}
          placeholder={t('calls.live.sayWords')}
          maxLength={SAY_MAX}
          autoComplete="off"
          key={form.key('content')}
          {...form.getInputProps('content')}
        />
        <Button
          type="submit"
          variant="default"
          loading={busy}
          leftSection={<MessageSquareText size={16} aria-hidden />}
        >
          {t('calls.live.sayIt')}
        </Button>
      </form>
      <ProblemAlert problem={failure} />
    </>
  )
}

/** How somebody leaves the call, the assistant or both. */
function Ways({ id, who, answered }: { id: string; who: string; answered: boolean }) {
  const t = useT()
  const [taking, setTaking] = useState(false)
  const end = useEnd(id)
  const hangUp = async () => {
    const sure = await confirm({
      title: t('calls.live.endTitle'),
      body: t('calls.live.endText', { who }),
      action: t('calls.live.end'),
      danger: true,
    })
    if (sure) end.mutate()
  }
  return (
    <>
      {answered && (
        <Button
          variant="default"
          leftSection={<PhoneForwarded size={16} aria-hidden />}
          onClick={() => setTaking(true)}
        >
          {t('calls.live.takeOver')}
        </Button>
      )}
      <Button
        color="red"
        variant="light"
        loading={end.isPending}
        leftSection={<PhoneOff size={16} aria-hidden />}
        onClick={() => void hangUp()}
      >
        {t('calls.live.end')}
      </Button>
      <Suspense>{taking && <TakeOver id={id} who={who} onClose={() => setTaking(false)} />}</Suspense>
    </>
  )
}
