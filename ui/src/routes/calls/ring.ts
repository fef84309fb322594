import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useState } from 'react'
import { failed } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useLanguage, useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { areaPath, useOrg } from '../../lib/session'

// The call's first message arrives within a second; after this long something is wrong.
const PATIENCE_MS = 20_000
const LOOK_MS = 500

/** What a scripted caller is told: the number to ring, what to want and in which language. */
export interface Order extends Record<string, unknown> {
  phone_number: string
  script: string
  language: string
}

export const simulate = (org: string, order: Order) =>
  api.post<{ vapi_call_id: string }>('/api/simulate', order, { query: { organization: org } })

/** Waits for a call that the provider has begun, and goes to it. `late`: it did not come. */
export function useArrival(vapiID: string | undefined, onArrived?: () => void): { late: boolean } {
  const org = useOrg()
  const navigate = useNavigate()
  const [missing, setMissing] = useState<string>()
  const late = vapiID !== undefined && missing === vapiID
  const { data: id } = useQuery<string | null>({
    queryKey: [org, 'calls', 'by-provider', vapiID],
    enabled: vapiID !== undefined,
    refetchInterval: (query) => (query.state.data || late ? false : LOOK_MS),
    queryFn: async ({ signal }) =>
      (
        await pb.collection('calls').getList<{ id: string }>(1, 1, {
          filter: pb.filter('organization = {:org} && vapi_call_id = {:vapiID}', { org, vapiID }),
          fields: 'id',
          skipTotal: true,
          signal,
        })
      ).items[0]?.id ?? null,
  })
  const arrive = useEffectEvent((call: string) => {
    onArrived?.()
    void navigate({ to: areaPath(org, `calls/${call}`) })
  })
  useEffect(() => {
    if (id) arrive(id)
  }, [id])
  useEffect(() => {
    if (vapiID === undefined) return
    const timer = setTimeout(() => setMissing(vapiID), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [vapiID])
  return { late }
}

/** Lets a scripted caller ring a number at once, and goes to the call. */
export function useRing(): { ring: (number: string) => void; waiting: boolean; late: boolean } {
  const t = useT()
  const org = useOrg()
  const language = useLanguage()
  const order = useMutation({
    mutationFn: (number: string) => simulate(org, { phone_number: number, script: 'booking', language }),
    onError: (error) => failed(problem(error, t)),
  })
  const { late } = useArrival(order.data?.vapi_call_id)
  return { ring: (number) => order.mutate(number), waiting: order.isPending || (order.isSuccess && !late), late }
}
