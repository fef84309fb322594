import { useMutation, useQueryClient } from '@tanstack/react-query'
import { failed, undoable } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useOrg } from '../../lib/session'
import { callsKey, type CallItem } from './data'
import { whoOf } from './words'

interface Change {
  call: CallItem
  to: CallItem['resolution_status']
  undo?: boolean
}

/** Says of a call of a list that it is done, which can be taken back, or is not after all. `onDone`: the server has it. */
export function useDone(onDone?: (call: CallItem) => void) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const change = useMutation({
    mutationFn: ({ call, to }: Change) => pb.collection('calls').update(call.id, { resolution_status: to }, { fields: 'id' }),
    onSuccess: (_, { call, to, undo }) => {
      if (undo || to !== 'resolved') return
      onDone?.(call)
      undoable(t('home.isDone', { name: whoOf(call, t) }),
        () => change.mutate({ call, to: call.resolution_status || 'pending', undo: true }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: [org, 'calls'] }),
      queries.invalidateQueries({ queryKey: callsKey(org) }),
    ]),
  })
  return {
    done: (call: CallItem) => change.mutate({ call, to: 'resolved' }),
    reopen: (call: CallItem) => change.mutate({ call, to: 'pending' }),
    busy: change.isPending,
    busyWith: change.isPending ? change.variables.call.id : undefined,
  }
}
