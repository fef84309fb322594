import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../lib/api'
import { useOptions } from '../lib/record'
import { useHere } from '../lib/session'
import { assistantsQuery, numbersQuery, someCallsQuery, type CallItem } from '../routes/calls/data'
import { someContactsQuery, type ContactItem } from '../routes/contacts/data'
import type { Member } from '../routes/team/data'

// Shorter than a pause between two words, longer than one between two letters.
const PAUSE_MS = 120
// One letter is in everything.
const FEWEST = 2
const CALLS = 6
const PEOPLE = 5

interface Fn {
  id: string
  name: string
  description: string
}

/**
 * What an organization has under the words that somebody types, as far as they may see it: calls, the newest first, contacts and
 * members by the server's own search, the few assistants, numbers and functions whole.
 */
export function useFound(typed: string, opened: boolean) {
  const { organization, can } = useHere()
  const org = organization?.id ?? ''
  const [text] = useDebouncedValue(typed.trim(), PAUSE_MS)
  const inside = opened && org !== ''
  const asked = inside && text.length >= FEWEST && typed.trim() !== ''
  const calls = useQuery({
    ...someCallsQuery(org, { search: text }, CALLS),
    enabled: asked && can('calls.view'),
    placeholderData: keepPreviousData,
  })
  const contacts = useQuery({
    ...someContactsQuery(org, text, PEOPLE),
    enabled: asked && can('contacts.view'),
    placeholderData: keepPreviousData,
  })
  const members = useQuery({
    queryKey: [org, 'memberships', 'found', text],
    enabled: asked && can('team.view'),
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      (await api.get<{ members: Member[] }>('/api/team-members', {
        signal,
        query: { organization: org, search: text, limit: PEOPLE },
      })).members,
  })
  const assistants = useQuery({ ...assistantsQuery(org), enabled: inside && can('assistants.view') })
  const numbers = useQuery({ ...numbersQuery(org), enabled: inside && can('numbers.view') })
  const functions = useOptions<Fn>(org, 'functions', ['id', 'name', 'description'], 'name', inside && can('build.view'))
  // What was found for other words is shown while these go on from them, not for new ones.
  const searched = typed.trim().length >= FEWEST && typed.trim().startsWith(text)
  return {
    calls: (searched && calls.data) || ([] as CallItem[]),
    contacts: (searched && contacts.data) || ([] as ContactItem[]),
    members: (searched && members.data) || ([] as Member[]),
    assistants: assistants.data ?? [],
    numbers: numbers.data ?? [],
    functions: functions.data ?? [],
    /** The server has not answered yet. */
    busy: asked && (calls.isFetching || contacts.isFetching || members.isFetching),
  }
}
