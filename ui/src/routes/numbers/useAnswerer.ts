import { useMutation, useQueryClient } from '@tanstack/react-query'
import { failed } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useOrg } from '../../lib/session'

/** Lets an assistant answer a number from now on. */
export function useAnswerer({ id }: { id: string }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (assistant: string) => pb.collection('phone_numbers').update(id, { assistant }, { fields: 'id' }),
    onError: (error) => failed(problem(error, t)),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: [org, 'phone_numbers'] }),
      queries.invalidateQueries({ queryKey: [org, 'calls', 'home'] }),
    ]),
  })
}
