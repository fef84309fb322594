import { Alert, Button, Group, Menu, Stack, Tabs, ActionIcon } from '@mantine/core'
import '@mantine/core/styles/Tabs.layer.css'
import '@mantine/core/styles/NumberInput.layer.css'
import '@mantine/core/styles/Pill.layer.css'
import '@mantine/core/styles/PillsInput.layer.css'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { ArrowLeft, CirclePause, CirclePlay, Ellipsis, Trash2, TriangleAlert } from 'lucide-react'
import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import { ChangedMeanwhile } from '../../components/ChangedMeanwhile'
import { confirm } from '../../components/confirm'
import { DirtyBar } from '../../components/DirtyBar'
import { Page } from '../../components/Page'
import { RecordSync } from '../../components/RecordSync'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useRebasing } from '../../lib/rebasing'
import { useRecord } from '../../lib/record'
import { useSaid } from '../../lib/said'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { Missing } from '../../shell/Root'
import { FunctionDialog } from '../functions/FunctionDialog'
import { AssistantStatus } from './AssistantStatus'
import type { Shown } from './choices'
import { detailQuery, type Assistant } from './data'
import { tabOf, tabs, toForm, toPatch, type AssistantForm } from './form'
import { Recent } from './Recent'
import { assistantRoute } from './routes'
import { tabNames, type Tab } from './search'
import { Behaviour, Functions, Handoff, Overview, Privacy, Voice, type TabProps } from './tabs'

export function AssistantPage() {
  const t = useT()
  const org = useOrg()
  const { id } = useParams({ strict: false }) as { id: string }
  const record = useRecord<Assistant>(org, 'assistants', id, detailQuery)
  if (record.isPending) return <Page title={t('assistants.one')} size="lg"><SkeletonAfter200ms lines={8} /></Page>
  if (record.error && !record.data) return <ErrorState error={record.error} onRetry={() => void record.refetch()} level={1} />
  if (!record.data) return <Missing />
  return <Editor key={id} record={record.data} />
}

function Editor({ record }: { record: Assistant }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { tab = 'overview' } = assistantRoute.useSearch()
  const go = assistantRoute.useNavigate()
  const open = (next: Tab) => go({ search: next === 'overview' ? {} : { tab: next }, replace: true, resetScroll: false })
  const going = record.sync_status === 'deleting'
  const manage = can('assistants.manage') && !going

  const seen = useMemo(() => toForm(record), [record])
  const form = useForm<AssistantForm>({
    mode: 'controlled',
    initialValues: seen,
    validate: { name: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const { base, dirty, conflicts, ...rebasing } = useRebasing(form, seen)

  const refresh = () => void queries.invalidateQueries({ queryKey: [org, 'assistants'] })
  const { submit, failure, busy, setFailure } = useSubmit(form, async (values) => {
    const stored = await pb.collection('assistants').update<Assistant>(record.id, toPatch(base, values), { fields: detailQuery.join() })
    return { sent: values, stored }
  }, ({ sent, stored }) => {
    rebasing.stored(toForm(stored), sent)
    refresh()
    saved(t('assistants.saved'))
  })
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

  const [editing, setEditing] = useState<string>()
  const props: TabProps = { form, writable: manage, record }
  const description = (
    <Group gap="xs">
      <AssistantStatus status={record.status} />
      <RecordSync collection="assistants" row={record} canRetry={manage} />
    </Group>
  )

  return (
    <>
      <Page title={record.name} description={description} size="lg"
        actions={<>
          <Button component={Link} to={areaPath(org, 'assistants')} variant="subtle" color="gray" leftSection={<ArrowLeft size={16} aria-hidden />}>{t('assistants.title')}</Button>
          {manage && <Actions record={record} refresh={refresh} gone={() => void navigate({ to: areaPath(org, 'assistants'), ignoreBlocker: true })} />}
        </>}>
        <form onSubmit={submit} noValidate>
          <Stack gap="md">
            {going && <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>{t('assistants.goingAway')}</Alert>}
            {!!record.config_not_sent?.length && (
              <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />}>
                {t('assistants.notSent', { names: record.config_not_sent.join(', ') })}
              </Alert>
            )}
            <Refused record={record} />
            <ChangedMeanwhile fields={conflicts.map((name) => t(`assistants.fields.${name}`))} takeTheirs={rebasing.takeTheirs} keepMine={rebasing.keepMine} />
            <ProblemAlert problem={failure} />
            <Tabs value={tab} onChange={(next) => void open(next as Tab)} keepMounted={false}>
              <Tabs.List aria-label={t('assistants.one')}>
                {tabNames.map((name) => (
                  <Tabs.Tab key={name} value={name} color={tabs[name].some((f) => form.errors[f]) ? 'red' : undefined}
                    rightSection={tabs[name].some((f) => form.errors[f]) ? <TriangleAlert size={14} aria-hidden color="var(--mantine-color-error)" /> : undefined}>
                    {t(`assistants.tabs.${name}`)}
                  </Tabs.Tab>
                ))}
              </Tabs.List>
              <Tabs.Panel value="overview" pt="md"><Overview {...props} /></Tabs.Panel>
              <Tabs.Panel value="behaviour" pt="md"><Behaviour {...props} /></Tabs.Panel>
              <Tabs.Panel value="voice" pt="md"><Voice {...props} /></Tabs.Panel>
              <Tabs.Panel value="functions" pt="md"><Functions {...props} onEdit={setEditing} /></Tabs.Panel>
              <Tabs.Panel value="handoff" pt="md"><Handoff {...props} /></Tabs.Panel>
              <Tabs.Panel value="privacy" pt="md"><Privacy {...props} /></Tabs.Panel>
            </Tabs>
            <DirtyBar dirty={dirty && manage} saving={busy} onDiscard={() => {
              rebasing.discard()
              setFailure(undefined)
            }} />
          </Stack>
        </form>
        {tab === 'overview' && can('calls.view') && <Recent assistant={record.id} />}
      </Page>
      {/* Outside the form: its own form must not send this one. */}
      {editing !== undefined && (
        <FunctionDialog id={editing || undefined} onClose={() => setEditing(undefined)} onCreated={manage ? (id) => form.setFieldValue('functions', [...form.getValues().functions, id]) : undefined} />
      )}
    </>
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
    <Alert color="yellow" variant="light" icon={<TriangleAlert size={18} aria-hidden />} title={t('assistants.choices.refused')}>
      <ul style={{ margin: 0, paddingInlineStart: '1.2em' }}>
        {list.map((one) => (
          <li key={`${one.field} ${one.code}`}>
            {t('assistants.choices.at', { field: t(`assistants.fields.${one.field as keyof AssistantForm}`), text: say(one.text) })}{' '}
            {meanwhile(one)}
          </li>
        ))}
      </ul>
    </Alert>
  )
}

/** Switch on and off, delete. */
function Actions({ record, refresh, gone }: { record: Assistant; refresh: () => void; gone: () => void }) {
  const t = useT()
  const active = record.status === 'active'
  const status = useMutation({
    mutationFn: () => pb.collection('assistants').update(record.id, { status: active ? 'inactive' : 'active' }, { fields: 'id' }),
    onSuccess: () => saved(t(active ? 'assistants.deactivated' : 'assistants.activated', { name: record.name })),
    onError: (error) => failed(problem(error, t)),
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: (force: boolean) => pb.collection('assistants').delete(record.id, force ? { query: { force: 'true' } } : {}),
    onSuccess: () => {
      refresh()
      saved(t('assistants.deleted', { name: record.name }))
      gone()
    },
    onError: async (error, force) => {
      const found = problem(error, t)
      // It answers a number: the server says which, and goes on only when told to.
      if (force || found.status !== 409) return failed(found)
      const yes = await confirm({ title: t('assistants.remove.usedTitle'), body: `${found.cause} ${t('assistants.remove.usedText')}`, action: t('assistants.remove.force'), danger: true })
      if (yes) remove.mutate(true)
    },
  })
  const ask = async () => {
    if (await confirm({ title: t('assistants.remove.title', { name: record.name }), body: t('assistants.remove.text'), action: t('assistants.remove.action'), danger: true })) remove.mutate(false)
  }
  return (
    <>
      <Button variant="default" loading={status.isPending} leftSection={active ? <CirclePause size={16} aria-hidden /> : <CirclePlay size={16} aria-hidden />} onClick={() => status.mutate()}>
        {t(active ? 'assistants.deactivate' : 'assistants.activate')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t('assistants.more')} loading={remove.isPending}><Ellipsis size={18} aria-hidden /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" leftSection={<Trash2 size={16} aria-hidden />} onClick={() => void ask()}>{t('assistants.remove.action')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  )
}
