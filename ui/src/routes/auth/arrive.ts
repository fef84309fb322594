import { useMantineColorScheme } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { told } from '../../components/toast'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { forgetParting } from '../../lib/parting'
import { applyProfile, withChosenLanguage } from '../../lib/profile'
import { queries } from '../../lib/queries'
import type { Me } from '../../lib/session'
import { type Ended, endedWords } from './waiting'

/** What a finished sign-in answers. */
export interface SignedInAnswer {
  token: string
  record: Me
  meta?: { recovery_codes?: string[] } & Ended
}

/** Takes a finished sign-in over and goes on to where the person wanted to be. */
export function useArrive() {
  const navigate = useNavigate()
  const { setColorScheme } = useMantineColorScheme()
  const t = useT()
  return async ({ token, record, meta }: SignedInAnswer, next = '/') => {
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'desk' && query.queryKey[0] !== 'invitation' })
    pb.authStore.save(token, record as never)
    forgetParting()
    await applyProfile(await withChosenLanguage(record), setColorScheme)
    await navigate({ href: next, replace: true })
    const ended = endedWords(meta, t)
    if (ended) told(ended)
  }
}
