import { Button, Group, Radio, Select, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { areaPath, useOrg } from '../../lib/session'
import { callsKey } from '../calls/data'
import { nameOf, pair, someContactsQuery, type Contact, type ContactItem } from './data'

type Person = Pick<Contact, 'id' | 'name' | 'phone_number'>

const PEOPLE = 8
const PAUSE_MS = 150

const told = (one: Person) => [nameOf(one), one.name && phone(one.phone_number)].filter(Boolean).join(' · ')

/** Puts two contacts together, once it is said which of them stays. */
export function MergeDialog({ stays, other, onClose, onDone }: {
  stays: Person
  /** Already chosen, as in a list. */
  other?: Person
  onClose: () => void
  onDone: () => void
}) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [second, setSecond] = useState<Person | undefined>(other)
  const [kept, setKept] = useState(stays.id)
  const [typed, setTyped] = useState('')
  const [text] = useDebouncedValue(typed.trim(), PAUSE_MS)
  const found = useQuery({
    ...someContactsQuery(org, text, PEOPLE),
    enabled: !other,
    placeholderData: keepPreviousData,
  })
  const offered = (found.data ?? []).filter(({ id }: ContactItem) => id !== stays.id)
  const merge = useMutation({
    mutationFn: (to: Person) => pair(org, kept, 'merge', kept === stays.id ? to.id : stays.id),
    onSuccess: async () => {
      saved(t('contacts.merge.done'))
      onDone()
      onClose()
      await Promise.all([
        queries.invalidateQueries({ queryKey: [org, 'contacts'] }),
        queries.invalidateQueries({ queryKey: [org, 'calls'] }),
        queries.invalidateQueries({ queryKey: callsKey(org) }),
      ])
      // The page of one that went would be empty.
      if (!other && kept !== stays.id) void navigate({ to: areaPath(org, `contacts/${kept}`), replace: true })
    },
  })
  return (
    <Dialog onClose={onClose} held={merge.isPending} title={t('contacts.merge.title')}>
      <Stack gap="md">
        <ProblemAlert problem={merge.error ? problem(merge.error, t) : undefined} />
        {!other && (
          <Select
            label={t('contacts.merge.with')}
            placeholder={t('contacts.merge.find')}
            searchable
            data-autofocus
            value={second?.id ?? null}
            onSearchChange={setTyped}
            filter={({ options }) => options}
            nothingFoundMessage={t('states.noMatch.title')}
            data={[...offered, ...(second && !offered.some(({ id }) => id === second.id) ? [second] : [])].map((one) => ({
              value: one.id, label: told(one),
            }))}
            onChange={(id) => setSecond(offered.find((one) => one.id === id))}
          />
        )}
        {second && (
          <Radio.Group label={t('contacts.merge.keep')} value={kept} onChange={setKept}>
            <Stack gap="xs" mt="xs">
              {[stays, second].map((one) => <Radio key={one.id} value={one.id} label={told(one)} />)}
            </Stack>
          </Radio.Group>
        )}
        <Text size="sm" c="dimmed">{t('contacts.merge.text')}</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" disabled={merge.isPending} onClick={onClose}>{t('actions.cancel')}</Button>
          <Button disabled={!second} loading={merge.isPending} onClick={() => second && merge.mutate(second)}>
            {t('contacts.merge.action')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
