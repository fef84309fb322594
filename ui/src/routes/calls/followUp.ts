import { useMutation, useQueryClient } from '@tanstack/react-query'
import { failed } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useOrg } from '../../lib/session'
import { callQuery, callsKey, type CallDetail } from './data'

/** What people note of a call. */
export type Noted = Pick<CallDetail, 'resolution_status' | 'priority' | 'notes'>

/** Notes something of a call. It stands at once; a refusal puts back what was there. */
export function useFollowUp(id: string) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const key = callQuery(org, id).queryKey
  return useMutation({
    mutationFn: (values: Partial<Noted>) =>
      pb.collection('calls').update<CallDetail>(id, values, { fields: Object.keys(values).join(',') }),
    onMutate: async (values) => {
      await queries.cancelQueries({ queryKey: key })
      const before = queries.getQueryData(key)
      queries.setQueryData(key, (old) => old && { ...old, ...values })
      return { before }
    },
    onError: (error, _, context) => {
      queries.setQueryData(key, context?.before)
      failed(problem(error, t))
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: [org, 'calls'] }),
        queries.invalidateQueries({ queryKey: callsKey(org) }),
      ]),
  })
}
