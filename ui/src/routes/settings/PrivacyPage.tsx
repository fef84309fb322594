import { Alert, Button, Group, Stack, Switch, Table, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleX, Download, Eraser, FileCheck, Loader as Busy, UserRoundX } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { confirm } from '../../components/confirm'
import { DataTable, type Column } from '../../components/DataTable'
import { Dialog } from '../../components/Dialog'
import { Section } from '../../components/Section'
import { EmptyState, ProblemAlert } from '../../components/States'
import { StatusBadge } from '../../components/StatusBadge'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { api, fetchBlob, saveBlob } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import type { PrivacyRequestsRecord } from '../../lib/pb-types.gen'
import { said } from '../../lib/said'
import { useHere, useOrg } from '../../lib/session'
import { archiveName, countsOf, whose } from './privacy'
import { saveOrganization, useOrganization } from './data'
import { SettingsPage } from './SettingsPage'

type Request = Pick<
  PrivacyRequestsRecord,
  'id' | 'kind' | 'status' | 'subject_hint' | 'finished_at' | 'certificate' | 'error' | 'created'
>

export function PrivacyPage() {
  const t = useT()
  return (
    <SettingsPage title={t('settings.nav.privacy')} text={t('settings.privacy.text')} needs={['settings.manage']}>
      <Mask />
      <Ask />
      <Requests />
    </SettingsPage>
  )
}

/** Whether roles below manager see callers' numbers. */
function Mask() {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { data } = useOrganization(org)
  const change = useMutation({
    mutationFn: (mask_numbers: boolean) => saveOrganization(org, { mask_numbers }),
    onSuccess: (stored) => {
      queries.setQueryData([org, 'organizations', 'one'], stored)
      saved(t('settings.saved'))
    },
    onError: (error) => failed(problem(error, t)),
  })
  return (
    <Section title={t('settings.privacy.mask')} text={t('settings.privacy.maskText')}>
      <Switch
        label={t('settings.privacy.maskOn')}
        description={t('settings.privacy.maskHint')}
        disabled={!data || change.isPending}
        checked={(change.isPending ? change.variables : data?.mask_numbers) ?? false}
        onChange={(event) => change.mutate(event.currentTarget.checked)}
      />
    </Section>
  )
}

/** Everything about one caller, by number: handed over or erased. */
function Ask() {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const [phone, setPhone] = useState('')
  const base = `/api/organizations/${org}/privacy`
  const done = () => void queries.invalidateQueries({ queryKey: [org, 'privacy_requests'] })
  const give = useMutation({
    mutationFn: () => fetchBlob(`${base}/export`, { method: 'POST', body: { phone_number: phone.trim() } }),
    onSuccess: (blob) => {
      saveBlob(blob, archiveName(phone))
      done()
    },
  })
  const erase = useMutation({
    mutationFn: () => api.post<{ request: Request }>(`${base}/erase`, { phone_number: phone.trim(), confirm: true }),
    onSuccess: ({ request }) => {
      setPhone('')
      saved(t(request.status === 'done' ? 'settings.privacy.erased' : 'settings.privacy.erasing'))
      done()
    },
  })
  const ask = async () => {
    if (
      await confirm({
        title: t('settings.privacy.eraseTitle'),
        body: t('settings.privacy.eraseText'),
        action: t('settings.privacy.erase'),
        danger: true,
        typed: phone.trim(),
      })
    )
      erase.mutate()
  }
  // The server knows what leads to a caller: a number in any spelling, an extension, an address, a hidden one's word.
  const failure = erase.error ?? give.error
  const told = failure ? problem(failure, t) : undefined
  const forget = () => {
    erase.reset()
    give.reset()
  }
  const empty = phone.trim() === ''
  return (
    <Section title={t('settings.privacy.caller')} text={t('settings.privacy.callerText')}>
      <ProblemAlert problem={told?.fields.phone_number ? undefined : told} />
      <TextInput label={t('settings.privacy.number')} description={t('settings.privacy.numberHint')} maw={360}
        autoComplete="off" value={phone} error={told?.fields.phone_number}
        onChange={(event) => {
          setPhone(event.currentTarget.value)
          forget()
        }} />
      <Group gap="xs">
        <Button
          variant="default"
          loading={give.isPending}
          disabled={empty}
          leftSection={<Download size={16} aria-hidden />}
          onClick={() => {
            forget()
            give.mutate()
          }}>
          {t('settings.privacy.export')}
        </Button>
        <Button
          variant="default"
          loading={erase.isPending}
          disabled={empty}
          leftSection={<Eraser size={16} aria-hidden />}
          onClick={() => {
            forget()
            void ask()
          }}>
          {t('settings.privacy.erase')}
        </Button>
      </Group>
    </Section>
  )
}

function Requests() {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const [shown, setShown] = useState<Request>()
  const list = useQuery({
    queryKey: [org, 'privacy_requests', 'list'],
    enabled: can('settings.manage'),
    queryFn: async ({ signal }) =>
      (await api.get<{ requests: Request[] }>(`/api/organizations/${org}/privacy`, { signal })).requests,
    refetchInterval: (query) =>
      query.state.data?.some((r) => r.status === 'pending' || r.status === 'running') ? 3_000 : false,
  })
  const columns: Column<Request>[] = [
    {
      id: 'kind',
      header: t('settings.privacy.kind'),
      primary: true,
      cell: (row) => (
        <Text size="sm" fw={600}>
          {t(`settings.privacy.kinds.${row.kind}`)}
        </Text>
      ),
    },
    { id: 'who', header: t('settings.privacy.caller'), cell: (row) => whose(row.subject_hint, t) },
    { id: 'status', header: t('team.status'), cell: (row) => <RequestStatus row={row} /> },
    { id: 'when', header: t('settings.audit.when'), cell: (row) => <When value={row.finished_at || row.created} /> },
    {
      id: 'proof',
      header: t('settings.privacy.certificate'),
      align: 'end',
      cell: (row) =>
        row.certificate ? (
          <ShowCertificate onClick={() => setShown(row)} />
        ) : (
          <Text span size="sm" c="dimmed">
            –
          </Text>
        ),
    },
  ]
  return (
    <>
      <DataTable
        label={t('settings.privacy.requests')}
        columns={columns}
        card={(row) => ({
          name: t(`settings.privacy.kinds.${row.kind}`),
          aside: <When value={row.finished_at || row.created} />,
          text: whose(row.subject_hint, t),
          badges: <RequestStatus row={row} />,
          action: Boolean(row.certificate) && <ShowCertificate onClick={() => setShown(row)} />,
        })}
        filtered={false}
        rows={{
          data: list.data && { pages: [{ items: list.data }] },
          error: list.error,
          isPending: list.isPending,
          hasNextPage: false,
          isFetchingNextPage: false,
          fetchNextPage: () => undefined,
          refetch: () => void list.refetch(),
        }}
        empty={
          <EmptyState
            icon={UserRoundX}
            title={t('settings.privacy.empty.title')}
            text={t('settings.privacy.empty.text')}
          />
        }
      />
      {shown && <Certificate request={shown} onClose={() => setShown(undefined)} />}
    </>
  )
}

function ShowCertificate({ onClick }: { onClick: () => void }) {
  const t = useT()
  return (
    <Button size="xs" variant="default" leftSection={<FileCheck size={14} aria-hidden />} onClick={onClick}>
      {t('settings.privacy.show')}
    </Button>
  )
}

function RequestStatus({ row }: { row: Request }) {
  const t = useT()
  if (row.status === 'done')
    return <StatusBadge icon={CircleCheck} tone="good" label={t('settings.privacy.states.done')} />
  if (row.status === 'failed')
    return (
      <Stack gap={2}>
        <StatusBadge icon={CircleX} tone="bad" label={t('settings.privacy.states.failed')} />
        {row.error && (
          <Text size="xs" c="dimmed">
            {said(row.error)}
          </Text>
        )}
      </Stack>
    )
  return <StatusBadge icon={Busy} tone="busy" label={t('settings.privacy.states.running')} />
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" w={160}>
        {label}
      </Table.Th>
      <Table.Td className="pl-wrap">{children}</Table.Td>
    </Table.Tr>
  )
}

/** What an erasure removed and kept, or an export held, for people; the file beside it is for machines. */
function Certificate({ request, onClose }: { request: Request; onClose: () => void }) {
  const t = useT()
  const { organization } = useHere()
  const text = JSON.stringify(request.certificate, null, 2)
  const erased = request.kind === 'erase'
  const facts: [string, ReactNode][] = [
    [t('settings.audit.when'), <When key="when" value={request.finished_at || request.created} exact />],
    [t('settings.audit.one.organizations'), organization?.name ?? ''],
    [t('settings.privacy.caller'), whose(request.subject_hint, t)],
  ]
  const rows = countsOf(request.certificate)
  return (
    <Dialog onClose={onClose} title={t('settings.privacy.certificate')} size="lg">
      <Stack gap="md">
        <Alert color="teal" variant="light" icon={<FileCheck size={18} aria-hidden />}>
          {t(erased ? 'settings.privacy.certificateText' : 'settings.privacy.handedText')}
        </Alert>
        <Table variant="vertical" withTableBorder layout="auto">
          <Table.Tbody>
            {facts.map(([label, value]) => <Fact key={label} label={label}>{value}</Fact>)}
            <Fact label={t(erased ? 'settings.privacy.removed' : 'settings.privacy.handed')}>
              {rows.length === 0
                ? t('settings.privacy.counted.none')
                : rows.map(({ name, count }) => (
                    <div key={name}>
                      {t('settings.privacy.countLine', { what: t(`settings.privacy.counted.${name}`), count })}
                    </div>
                  ))}
            </Fact>
            {erased && <Fact label={t('settings.privacy.kept')}>{t('settings.privacy.keptText')}</Fact>}
          </Table.Tbody>
        </Table>
        <Group justify="flex-end">
          <Button
            variant="default"
            leftSection={<Download size={16} aria-hidden />}
            onClick={() => saveBlob(new Blob([text], { type: 'application/json' }), `certificate-${request.id}.json`)}
          >
            {t('settings.privacy.download')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
