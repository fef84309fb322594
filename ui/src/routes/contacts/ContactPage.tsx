import { ActionIcon, Anchor, Button, Group, Menu, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Ban, CircleCheck, Ellipsis, GitMerge, Split, Trash2, UserRoundX } from 'lucide-react'
import { useState } from 'react'
import { confirm } from '../../components/confirm'
import { field } from '../../components/Field'
import { Pair } from '../../components/Pair'
import { NewPage, RecordPage, useRemove } from '../../components/RecordPage'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { failed, saved, undoable } from '../../components/toast'
import { When } from '../../components/When'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits } from '../../lib/pb-types.gen'
import { phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { callsKey, callsQuery } from '../calls/data'
import { CallBadge, Direction, aboutOf } from '../calls/words'
import classes from '../calls/Call.module.css'
import { Blocked } from './ContactsPage'
import { contacts, nameOf, numbersQuery, pair, type Contact, type ContactForm } from './data'
import { MergeDialog } from './Merge'

export function NewContactPage() {
  const t = useT()
  return (
    <NewPage of={contacts} text={t('contacts.newText')} create={t('contacts.create')} said={t('contacts.saved')}>
      {({ form }) => <Fields form={form} fresh />}
    </NewPage>
  )
}

/** Everything about one person: who they are, their numbers, their calls. */
export function ContactPage() {
  const t = useT()
  return (
    <RecordPage
      of={contacts}
      title={nameOf}
      description={(contact) => (
        <Group gap="xs" component="span">
          {contact.name && <span className="pl-tabular">{phone(contact.phone_number)}</span>}
          {contact.blocked && <Blocked />}
          {contact.last_seen_at && <span>{t('contacts.lastSeen')} <When value={contact.last_seen_at} /></span>}
        </Group>
      )}
      actions={(contact) => <Actions contact={contact} />}
      size="md"
      said="contacts.saved"
      after={({ record, writable }) => (
        <Stack gap="md" mt="md">
          <Numbers contact={record} writable={writable} />
          <Calls contact={record} />
        </Stack>
      )}
    >
      {({ form, writable }) => <Fields form={form} readOnly={!writable} />}
    </RecordPage>
  )
}

function Fields({ form, readOnly = false, fresh = false }: {
  form: UseFormReturnType<ContactForm>
  readOnly?: boolean
  fresh?: boolean
}) {
  const t = useT()
  const max = limits.contacts
  return (
    <Section title={t('contacts.one')}>
      {fresh && (
        <TextInput
          label={t('contacts.fields.phone_number')}
          description={t('contacts.numberHint')}
          type="tel"
          autoComplete="off"
          {...field(form, 'phone_number', { required: true })}
        />
      )}
      <Pair>
        <TextInput
          label={t('contacts.fields.name')}
          autoComplete="off"
          maxLength={max.name.max}
          {...field(form, 'name')}
          readOnly={readOnly}
        />
        <TextInput
          label={t('contacts.fields.company')}
          autoComplete="off"
          maxLength={max.company.max}
          {...field(form, 'company')}
          readOnly={readOnly}
        />
      </Pair>
      <TextInput
        label={t('contacts.fields.email')}
        type="email"
        autoComplete="off"
        {...field(form, 'email')}
        readOnly={readOnly}
      />
      <Textarea
        label={t('contacts.fields.notes')}
        description={t('contacts.notesHint')}
        autosize
        minRows={2}
        maxRows={12}
        maxLength={max.notes.max}
        {...field(form, 'notes')}
        readOnly={readOnly}
      />
    </Section>
  )
}

function Actions({ contact }: { contact: Contact }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { can } = useHere()
  const [merging, setMerging] = useState(false)
  const name = nameOf(contact)
  const { ask } = useRemove(contacts, contact.id, t('contacts.deleted', { name }))
  const block = useMutation({
    mutationFn: ({ blocked }: { blocked: boolean; undo?: boolean }) =>
      pb.collection('contacts').update(contact.id, { blocked }, { fields: 'id' }),
    onSuccess: (_, { blocked, undo }) => {
      if (undo) return
      undoable(t(blocked ? 'contacts.isBlocked' : 'contacts.isUnblocked', { name }), () =>
        block.mutate({ blocked: !blocked, undo: true }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () => queries.invalidateQueries({ queryKey: [org, 'contacts'] }),
  })
  const toggle = async () => {
    const blocked = !contact.blocked
    if (!blocked || (await confirm({
      title: t('contacts.blockTitle', { name }), body: t('contacts.blockText'), action: t('contacts.block'), danger: true,
    }))) block.mutate({ blocked })
  }
  return (
    <>
      <Button
        variant="default"
        loading={block.isPending}
        leftSection={contact.blocked ? <CircleCheck size={16} aria-hidden /> : <Ban size={16} aria-hidden />}
        onClick={() => void toggle()}
      >
        {t(contact.blocked ? 'contacts.unblock' : 'contacts.block')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t('contacts.more')}>
            <Ellipsis size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {!contact.merged_into && (
            <Menu.Item leftSection={<GitMerge size={16} aria-hidden />} onClick={() => setMerging(true)}>
              {t('contacts.merge.other')}
            </Menu.Item>
          )}
          {can('settings.manage') && (
            <Menu.Item
              component={Link}
              to={areaPath(org, 'settings/privacy')}
              leftSection={<UserRoundX size={16} aria-hidden />}
            >
              {t('contacts.privacy')}
            </Menu.Item>
          )}
          {can('contacts.delete') && (
            <Menu.Item
              color="red"
              leftSection={<Trash2 size={16} aria-hidden />}
              onClick={() => void ask({
                title: t('contacts.deleteTitle', { name }), body: t('contacts.deleteText'), action: t('contacts.delete'),
              })}
            >
              {t('contacts.delete')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {merging && <MergeDialog stays={contact} onClose={() => setMerging(false)} onDone={() => undefined} />}
    </>
  )
}

/** The numbers of others who turned out to be this person. */
function Numbers({ contact, writable }: { contact: Contact; writable: boolean }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { data = [] } = useQuery(numbersQuery(org, contact.id))
  const split = useMutation({
    mutationFn: (other: string) => pair(org, contact.id, 'split', other),
    onSuccess: () => saved(t('contacts.split.done')),
    onError: (error) => failed(problem(error, t)),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: [org, 'contacts'] }),
      queries.invalidateQueries({ queryKey: [org, 'calls'] }),
      queries.invalidateQueries({ queryKey: callsKey(org) }),
    ]),
  })
  if (data.length === 0) return null
  return (
    <Section title={t('contacts.numbers')}>
      <Stack gap="xs" component="ul" className={classes.history}>
        {data.map((other) => (
          <li key={other.id}>
            <Group justify="space-between">
              <Text size="sm" className="pl-tabular">{[phone(other.phone_number), other.name].filter(Boolean).join(' · ')}</Text>
              {writable && (
                <Button
                  size="xs"
                  variant="default"
                  loading={split.isPending && split.variables === other.id}
                  leftSection={<Split size={14} aria-hidden />}
                  onClick={() => split.mutate(other.id)}
                >
                  {t('contacts.split.action')}
                </Button>
              )}
            </Group>
          </li>
        ))}
      </Stack>
    </Section>
  )
}

/** The person's calls with what came of them, those that wait for somebody said so. */
function Calls({ contact }: { contact: Contact }) {
  const t = useT()
  const org = useOrg()
  const calls = useInfiniteQuery(callsQuery(org, { contact: contact.id }))
  const rows = calls.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Section title={t('nav.calls')}>
      {calls.isPending && <SkeletonAfter200ms lines={4} />}
      {calls.error && !calls.data && <ErrorState error={calls.error} onRetry={() => void calls.refetch()} />}
      {calls.data && rows.length === 0 && <Text size="sm" c="dimmed">{t('contacts.noCalls')}</Text>}
      {rows.length > 0 && (
        <ul className={classes.history}>
          {rows.map((call) => (
            <li key={call.id}>
              <Group justify="space-between" gap="xs" wrap="nowrap">
                <Anchor component={Link} to={areaPath(org, `calls/${call.id}`)} size="sm">
                  <Direction call={call} /> <When value={call.started_at} />
                </Anchor>
                <CallBadge call={call} />
              </Group>
              <Text size="sm" c="dimmed" lineClamp={call.summary ? 2 : undefined} className="pl-wrap">
                {aboutOf(call, t)}
              </Text>
              {call.resolution_status && call.resolution_status !== 'resolved' && (
                <Text size="xs" fw={550}>{t(`calls.resolutions.${call.resolution_status}`)}</Text>
              )}
            </li>
          ))}
        </ul>
      )}
      {calls.hasNextPage && (
        <Button variant="default" loading={calls.isFetchingNextPage} onClick={() => void calls.fetchNextPage()}>
          {t('contacts.moreCalls')}
        </Button>
      )}
    </Section>
  )
}
