import { Button } from '@mantine/core'
import { Check, PhoneOutgoing, Undo2 } from 'lucide-react'
import { undoable } from '../../components/toast'
import { useT } from '../../lib/i18n'
import { useHere } from '../../lib/session'
import { useShortcut } from '../../lib/shortcuts'
import { canBeCalled, isLive, type CallDetail } from './data'
import { useFollowUp } from './followUp'

/** What a call asks of whoever reads it: to call back, and to say that it is done. Nothing while people talk. */
export function ToDo({ call, onCallBack }: { call: CallDetail; onCallBack: () => void }) {
  const t = useT()
  const { can } = useHere()
  const change = useFollowUp(call.id)
  const may = can('calls.place') && !isLive(call)
  const open = call.resolution_status !== 'resolved'
  const done = () => {
    const before = call.resolution_status || 'pending'
    change.mutate(
      { resolution_status: 'resolved' },
      { onSuccess: () => undoable(t('calls.doneSaid'), () => change.mutate({ resolution_status: before })) },
    )
  }
  useShortcut('e', done, may && open)
  if (!may) return null
  return (
    <>
      {canBeCalled(call) && (
        <Button
          variant={open ? 'filled' : 'default'}
          leftSection={<PhoneOutgoing size={16} aria-hidden />}
          onClick={onCallBack}
        >
          {t('calls.callBack')}
        </Button>
      )}
      {open ? (
        <Button variant="default" leftSection={<Check size={16} aria-hidden />} onClick={done}>
          {t('calls.done')}
        </Button>
      ) : (
        <Button
          variant="default"
          leftSection={<Undo2 size={16} aria-hidden />}
          onClick={() => change.mutate({ resolution_status: 'pending' })}
        >
          {t('calls.reopen')}
        </Button>
      )}
    </>
  )
}
