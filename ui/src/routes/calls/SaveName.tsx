import { ActionIcon, Anchor, Button, Group, Stack, TextInput, Tooltip } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ContactRound, UserPlus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { Dialog } from '../../components/Dialog'
import { ProblemAlert } from '../../components/States'
import { undoable } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { callerName } from './callerName'
import { callsKey, linesQuery, reportQuery, type CallItem } from './data'
import { whoOf } from './words'

/** Gives the call's contact a name, everywhere at once; the old one can be had back. */
function useName(call: CallItem) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const save = useMutation({
    mutationFn: ({ name }: { name: string; undo?: boolean }) =>
      pb.collection('contacts').update(call.contact, { name }, { fields: 'id' }),
    onSuccess: (_, { name, undo }) => {
      if (undo) return
      const before = call.contact_name
      undoable(t('contacts.save.done', { name }), () => save.mutate({ name: before, undo: true }))
    },
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: [org, 'contacts'] }),
      queries.invalidateQueries({ queryKey: [org, 'calls'] }),
      queries.invalidateQueries({ queryKey: callsKey(org) }),
    ]),
  })
  return save
}

/** What the call says who it was; '' while it is not known. */
function useSuggested(call: CallItem, enabled: boolean): string {
  const org = useOrg()
  const { data: report } = useQuery({ ...reportQuery(org, call.id), enabled })
  const { data: lines = [] } = useQuery({ ...linesQuery(org, call.id), enabled })
  return enabled ? callerName(report?.analysis, lines) : ''
}

/** Who called: the way to the person, or to their name. */
export function SaveName({ call }: { call: CallItem }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const [open, setOpen] = useState(false)
  const save = useName(call)
  const unnamed = call.contact !== '' && call.contact_name === ''
  const suggested = useSuggested(call, unnamed && can('contacts.manage'))
  if (!call.contact) return null
  if (call.contact_name) {
    return (
      <Anchor component={Link} to={areaPath(org, `contacts/${call.contact}`)} size="sm">
        <Group gap={6} component="span" display="inline-flex">
          <ContactRound size={16} aria-hidden />
          {t('contacts.save.page', { name: call.contact_name })}
        </Group>
      </Anchor>
    )
  }
  if (!can('contacts.manage')) return null
  return (
    <Group gap="xs">
      {suggested && (
        <Button
          size="xs"
          variant="light"
          loading={save.isPending}
          leftSection={<UserPlus size={14} aria-hidden />}
          onClick={() => save.mutate({ name: suggested }, { onError: () => setOpen(true) })}
        >
          {t('contacts.save.as', { name: suggested })}
        </Button>
      )}
      <Button
        size="xs"
        variant={suggested ? 'subtle' : 'light'}
        leftSection={suggested ? undefined : <UserPlus size={14} aria-hidden />}
        onClick={() => setOpen(true)}
      >
        {t('contacts.save.add')}
      </Button>
      {open && <NameDialog call={call} onClose={() => setOpen(false)} />}
    </Group>
  )
}

/** The same in a row of a list: an icon where nobody has a name yet, `size` pixels high. */
export function NameInRow({ call, size = 30 }: { call: CallItem; size?: number }) {
  const t = useT()
  const { can } = useHere()
  const [open, setOpen] = useState(false)
  if (!call.contact || call.contact_name || !can('contacts.manage')) return null
  const label = t('contacts.save.of', { who: whoOf(call, t) })
  return (
    <>
      <Tooltip label={t('contacts.save.add')}>
        <ActionIcon variant="subtle" color="gray" size={size} aria-label={label} onClick={() => setOpen(true)}>
          <UserPlus size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
      {open && <NameDialog call={call} onClose={() => setOpen(false)} />}
    </>
  )
}

function NameDialog({ call, onClose }: { call: CallItem; onClose: () => void }) {
  const t = useT()
  const save = useName(call)
  const suggested = useSuggested(call, true)
  const [typed, setTyped] = useState<string>()
  const name = (typed ?? suggested).trim()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation()
    if (name) save.mutate({ name }, { onSuccess: onClose })
  }
  return (
    <Dialog onClose={onClose} held={save.isPending} title={t('contacts.save.title')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={save.error ? problem(save.error, t) : undefined} />
          <TextInput
            label={t('contacts.fields.name')}
            autoComplete="off"
            data-autofocus
            maxLength={limits.contacts.name.max}
            value={typed ?? suggested}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" disabled={save.isPending} onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" disabled={!name} loading={save.isPending}>{t('actions.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
