import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { confirm } from '../../components/confirm'
import { failed, saved } from '../../components/toast'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'

/** Leaving an organization: asked first; afterwards the way leads to another one. */
export function useLeave() {
  const t = useT()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const leave = useMutation({
    mutationFn: (organization: { id: string; name: string }) => api.post(`/api/organizations/${organization.id}/leave`),
    onSuccess: async (_, { id, name }) => {
      queries.removeQueries({ queryKey: [id] })
      await queries.invalidateQueries({ queryKey: ['me'] })
      saved(t('team.leave.done', { organization: name }))
      await navigate({ to: '/' })
    },
    onError: (error) => failed(problem(error, t)),
  })
  const ask = async (organization: { id: string; name: string }) => {
    const yes = await confirm({ title: t('team.leave.title', { organization: organization.name }), body: t('team.leave.text'), action: t('team.leave.action'), danger: true })
    if (yes) leave.mutate(organization)
  }
  return { ask, busy: leave.isPending }
}
