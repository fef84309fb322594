import { useQueryClient } from '@tanstack/react-query'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { useHere, useOrg } from '../../lib/session'
import { joinOnly } from './joinOnly'

/** After an assistant or a number was made: joins the only two (joinOnly), says so, and has the lists read again. */
export function useJoined(): () => Promise<void> {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { can } = useHere()
  return async () => {
    try {
      const name = can('numbers.manage') ? await joinOnly(org) : ''
      if (name) saved(t('numbers.joined', { name }))
    } catch (error) {
      // What was made stands; who answers can be chosen in the list.
      failed(problem(error, t))
    }
    await Promise.all(['assistants', 'phone_numbers'].map((name) => queries.invalidateQueries({ queryKey: [org, name] })))
  }
}
