import { ActionIcon, Alert, Button, Group, Menu, Paper, Stack, Tabs, Text } from '@mantine/core'
import '@mantine/core/styles/NumberInput.layer.css'
import '@mantine/core/styles/Pill.layer.css'
import '@mantine/core/styles/PillsInput.layer.css'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLocation } from '@tanstack/react-router'
import { CirclePause, CirclePlay, Ellipsis, MessageSquareQuote, MessagesSquare, Trash2, TriangleAlert } from 'lucide-react'
import { Suspense, lazy, useEffect, useEffectEvent, useState } from 'react'
import { confirm } from '../../components/confirm'
import { Dialog } from '../../components/Dialog'
import { RecordPage, useRemove, type Editing } from '../../components/RecordPage'
import { RecordSync } from '../../components/RecordSync'
import { TabBar } from '../../components/TabBar'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT, withWords } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { phone } from '../../lib/phone'
import { useSaid } from '../../lib/said'
import { useHere, useOrg } from '../../lib/session'
import { FunctionDialog } from '../functions/FunctionDialog'
import { AssistantStatus } from './AssistantStatus'
import type { Shown } from './choices'
import { assistantKind, type AnsweredNumber, type Assistant } from './data'
import { assistantForm, tabOf, tabs, type AssistantForm } from './form'
import { Recent } from './Recent'
import { assistantRoute } from './routes'
import { tabNames, type Tab } from './search'
import { Behaviour, Functions, Handoff, Overview, Privacy, Voice, type TabProps } from './tabs'
import classes from './Try.module.css'

const Try = lazy(async () => ({ default: (await withWords('calls', () => import('./Try'))()).Try }))

const assistants = { ...assistantKind, ...assistantForm }

export function AssistantPage() {
  const { can } = useHere()
  const { at, tab = (at && tabOf(at)) || 'overview' } = assistantRoute.useSearch()
  const [editing, setEditing] = useState<string>()
  return (
    <RecordPage
      of={assistants}
      title={(record) => record.name}
      description={(record, writable) => (
        <Group gap="xs">
          {record.sync_status !== 'deleting' && <AssistantStatus status={record.status} />}
          <RecordSync collection="assistants" row={record} canRetry={writable} />
        </Group>
      )}
      actions={(record) => <Actions record={record} />}
      size="lg"
      said="assistants.saved"
      after={({ form, record, writable }) => (
        <>
          {tab === 'overview' && can('calls.view') && <Recent assistant={record.id} />}
          {editing !== undefined && (
            <FunctionDialog
              id={editing || undefined}
              onClose={() => setEditing(undefined)}
              onCreated={
                writable ? (id) => form.setFieldValue('functions', [...form.getValues().functions, id]) : undefined
              }
            />
          )}
        </>
      )}
    >
      {(editor) => <Tabbed editor={editor} onEditFunction={setEditing} />}
    </RecordPage>
  )
}

function useRefresh(): () => void {
  const org = useOrg()
  const queries = useQueryClient()
  return () => void queries.invalidateQueries({ queryKey: [org, 'assistants'] })
}

function Tabbed({ editor: { form, record, writable }, onEditFunction }: {
  editor: Editing<Assistant, AssistantForm>
  onEditFunction: (id: string) => void
}) {
  const t = useT()
  const refresh = useRefresh()
  const { at, tab = (at && tabOf(at)) || 'overview' } = assistantRoute.useSearch()
  const said = useLocation({ select: ({ state }) => (state as { said?: string }).said })
  const [trying, setTrying] = useState(false)
  const go = assistantRoute.useNavigate()
  const open = (next: Tab) =>
    go({ search: next === 'overview' ? {} : { tab: next }, replace: true, resetScroll: false })
  // A refused field may be on another tab: open it, so that the message is seen.
  const refused = Object.keys(form.errors)[0]
  const show = useEffectEvent((name: string) => {
    const its = tabOf(name)
    if (its && its !== tab) void open(its)
  })
  useEffect(() => {
    if (refused) show(refused)
  }, [refused])
  const focus = useEffectEvent((name: string) => form.getInputNode(name)?.focus())
  useEffect(() => {
    if (refused && tabOf(refused) === tab) focus(refused)
  }, [refused, tab])
  // Somebody came to mend what was said.
  useEffect(() => {
    // After the page has given the focus to its heading.
    const frame = at ? requestAnimationFrame(() => focus(at)) : 0
    return () => cancelAnimationFrame(frame)
  }, [at])
  const props: TabProps = { form, writable, record }
  const wrong = (name: Tab) => tabs[name].some((f) => form.errors[f])
  const tries = writable && record.type === 'voice'
  return (
    <>
      {said && (
        <Alert color="blue" variant="light" icon={<MessageSquareQuote size={18} aria-hidden />} title={t('assistants.mend.title')}>
          <Text size="sm" className="pl-wrap">{t('assistants.mend.said', { words: said })}</Text>
          <Text size="sm" mt={4}>{t('assistants.mend.text')}</Text>
        </Alert>
      )}
      {record.sync_status === 'deleting' && (
        <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
          {t('assistants.goingAway')}
        </Alert>
      )}
      {!!record.config_not_sent?.length && (
        <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
          <NotSent record={record} names={record.config_not_sent} refresh={writable ? refresh : undefined} />
        </Alert>
      )}
      <Refused record={record} />
      {tries && (
        <div className={classes.opener}>
          <Button variant="light" leftSection={<MessagesSquare size={16} aria-hidden />} onClick={() => setTrying(true)}>
            {t('assistants.try.title')}
          </Button>
        </div>
      )}
      <div className={tries ? classes.beside : undefined}>
        <Tabs value={tab} onChange={(next) => void open(next as Tab)} keepMounted={false}>
          <TabBar
            label={t('assistants.one')}
            tabs={tabNames.map((name) => ({ value: name, label: t(`assistants.tabs.${name}`), wrong: wrong(name) }))}
            value={tab}
            onChange={(next) => void open(next)}
          />
          <Tabs.Panel value="overview" pt="md"><Overview {...props} /></Tabs.Panel>
          <Tabs.Panel value="behaviour" pt="md"><Behaviour {...props} /></Tabs.Panel>
          <Tabs.Panel value="voice" pt="md"><Voice {...props} /></Tabs.Panel>
          <Tabs.Panel value="functions" pt="md"><Functions {...props} onEdit={onEditFunction} /></Tabs.Panel>
          <Tabs.Panel value="handoff" pt="md"><Handoff {...props} /></Tabs.Panel>
          <Tabs.Panel value="privacy" pt="md"><Privacy {...props} /></Tabs.Panel>
        </Tabs>
        {tries && (
          <Paper withBorder className={classes.panel}><Suspense><Try id={record.id} form={form} /></Suspense></Paper>
        )}
      </div>
      {trying && (
        <Dialog onClose={() => setTrying(false)} title={record.name}>
          <Suspense><Try id={record.id} form={form} /></Suspense>
        </Dialog>
      )}
    </>
  )
}

/** Advanced settings of an older row that nobody but programs can see; they can be taken away. */
function NotSent({
  record,
  names,
  refresh,
}: {
  record: Assistant
  names: readonly string[]
  refresh: (() => void) | undefined
}) {
  const t = useT()
  const remove = useMutation({
    mutationFn: async () => {
      const { config } = await pb
        .collection('assistants')
        .getOne<{ config: Record<string, unknown> | null }>(record.id, { fields: 'config' })
      const kept = Object.fromEntries(Object.entries(config ?? {}).filter(([name]) => !names.includes(name)))
      await pb.collection('assistants').update(record.id, { config: kept }, { fields: 'id' })
    },
    onSuccess: () => saved(t('assistants.saved')),
    onError: (error) => failed(problem(error, t)),
    onSettled: refresh,
  })
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm" className="pl-wrap">
        {t('assistants.notSent', { names: names.join(', ') })}
      </Text>
      {refresh && (
        <Button size="xs" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>
          {t('assistants.removeNotSent')}
        </Button>
      )}
    </Stack>
  )
}

/** What of a row from before the table its provider would refuse, how to mend it, and what callers get meanwhile. */
function Refused({ record }: { record: Assistant }) {
  const t = useT()
  const say = useSaid()
  const list = record.choices?.filter((one) => one.refused && one.field in record) ?? []
  if (list.length === 0) return null
  const meanwhile = ({ code, use = '' }: Shown) => {
    if (code === 'speed' || code === 'model_missing') return t('assistants.choices.instead', { use })
    return t(code === 'language' ? 'assistants.choices.noLanguage' : 'assistants.choices.leftOut')
  }
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<TriangleAlert size={18} aria-hidden />}
      title={t('assistants.choices.refused')}
    >
      <ul style={{ margin: 0, paddingInlineStart: '1.2em' }}>
        {list.map((one) => (
          <li key={`${one.field} ${one.code}`}>
            {t('assistants.choices.at', {
              field: t(`assistants.fields.${one.field as keyof AssistantForm}`),
              text: say(one.text),
            })}{' '}
            {meanwhile(one)}
          </li>
        ))}
      </ul>
    </Alert>
  )
}

// As many numbers are named before an assistant is switched off.
const RUNG = 5

/** Switch on and off, delete. */
function Actions({ record }: { record: Assistant }) {
  const t = useT()
  const org = useOrg()
  const refresh = useRefresh()
  const { id, name } = record
  const active = record.status === 'active'
  const rung = useQuery({
    queryKey: [org, 'phone_numbers', 'of', id],
    enabled: active,
    queryFn: async ({ signal }) => (await pb.collection('phone_numbers').getList<AnsweredNumber>(1, RUNG, {
      filter: pb.filter('organization = {:org} && assistant = {:id}', { org, id }),
      fields: 'phone_number,friendly_name', sort: 'phone_number', skipTotal: true, signal,
    })).items.map((one) => phone(one.phone_number) || one.friendly_name).filter(Boolean),
  })
  const status = useMutation({
    mutationFn: () =>
      pb.collection('assistants').update(id, { status: active ? 'inactive' : 'active' }, { fields: 'id' }),
    onSuccess: () => saved(t(active ? 'assistants.deactivated' : 'assistants.activated', { name })),
    onError: (error) => failed(problem(error, t)),
    onSettled: refresh,
  })
  // It answers a number: the server says which, and goes on only when told to.
  const remove = useRemove(assistants, id, t('assistants.deleted', { name }), ({ cause }) => ({
    title: t('assistants.remove.usedTitle'),
    body: `${cause} ${t('assistants.remove.usedText')}`,
    action: t('assistants.remove.force'),
  }))
  const change = async () => {
    const numbers = active ? (rung.data ?? []).join(', ') : ''
    const yes =
      numbers === '' ||
      (await confirm({
        title: t('assistants.pause.title', { name }),
        body: t('assistants.pause.text', { numbers }),
        action: t('assistants.deactivate'),
        danger: true,
      }))
    if (yes) status.mutate()
  }
  const question = {
    title: t('assistants.remove.title', { name }),
    body: t('assistants.remove.text'),
    action: t('assistants.remove.action'),
  }
  return (
    <>
      <Button
        variant="default"
        loading={status.isPending}
        leftSection={active ? <CirclePause size={16} aria-hidden /> : <CirclePlay size={16} aria-hidden />}
        disabled={rung.isLoading}
        onClick={() => void change()}
      >
        {t(active ? 'assistants.deactivate' : 'assistants.activate')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t('assistants.more')} loading={remove.busy}>
            <Ellipsis size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            color="red"
            leftSection={<Trash2 size={16} aria-hidden />}
            onClick={() => void remove.ask(question)}
          >
            {question.action}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  )
}
