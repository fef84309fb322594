import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { failed } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { useOrg } from '../../lib/session'
import { numberOf, type CallItem } from './data'

type Called = Pick<CallItem, 'id' | 'call_type' | 'caller_number' | 'recipient_number'>

/** Whom to call back, once the number is known: of a masked one it is asked for at the press. */
export function useCallBack<C extends Called>() {
  const t = useT()
  const org = useOrg()
  const [calling, setCalling] = useState<{ call: C; to: string }>()
  const look = useMutation({
    mutationFn: (call: C) => numberOf(org, call),
    onSuccess: (to, call) => setCalling({ call, to }),
    onError: (error) => failed(problem(error, t)),
  })
  return {
    calling,
    /** The same function at every drawing. */
    start: look.mutate as (call: C) => void,
    end: () => setCalling(undefined),
    looking: (call: C) => look.isPending && look.variables.id === call.id,
  }
}
