import { Anchor, Button, Group, Paper, Select, Stack, Text, Textarea, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent, type ReactNode } from 'react'
import { BarList } from '../../charts/BarList'
import { DirtyBar } from '../../components/DirtyBar'
import { failed, saved } from '../../components/toast'
import { When } from '../../components/When'
import { problem } from '../../lib/errors'
import { duration, number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { isHidden, phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { useAreas } from '../../shell/areas'
import { Analysis } from './Analysis'
import { Bill } from './Bill'
import classes from './Call.module.css'
import { isLive, isMasked, numberOf, reportQuery, someCallsQuery, type CallDetail } from './data'
import { dollars, shares, waits } from './figures'
import { priorities, resolutions } from './filters'
import { useFollowUp, type Noted } from './followUp'
import { Block } from './Block'
import { CallBadge, aboutOf } from './words'

/** What people noted, the call's facts, its costs, and the caller's other calls. */
export function CallFacts({ call }: { call: CallDetail }) {
  const { isLoading } = useQuery({ ...reportQuery(useOrg(), call.id), enabled: Boolean(call.reported_at) })
  return (
    <Stack gap="md" miw={0}>
      <FollowUp call={call} />
      <Facts call={call} />
      {/* Together, once the report is here: one after the other they would push each other down. */}
      {!isLoading && <Analysis call={call} />}
      {!isLoading && <History call={call} />}
      {!isLoading && <Costs call={call} />}
    </Stack>
  )
}

/** What became of it, how urgent it is, and notes: changed in place. */
function FollowUp({ call }: { call: CallDetail }) {
  const t = useT()
  const { can } = useHere()
  const may = can('calls.place')
  const [draft, setDraft] = useState<string>()
  const change = useFollowUp(call.id)
  const dirty = draft !== undefined && draft !== call.notes
  const saveNotes = (event: FormEvent) => {
    event.preventDefault()
    if (draft === undefined) return
    change.mutate({ notes: draft }, { onSuccess: () => {
      setDraft(undefined)
      saved(t('calls.notesSaved'))
    } })
  }
  if (!may) {
    return (
      <Block title={t('calls.followUp')}>
        <dl className={classes.facts}>
          {call.resolution_status && (
            <Fact label={t('calls.resolution')}>{t(`calls.resolutions.${call.resolution_status}`)}</Fact>
          )}
          {call.priority && <Fact label={t('calls.priority')}>{t(`calls.priorities.${call.priority}`)}</Fact>}
        </dl>
        {call.notes && (
          <Text size="sm" mt="sm" className="pl-wrap" style={{ whiteSpace: 'pre-wrap' }}>
            {call.notes}
          </Text>
        )}
      </Block>
    )
  }
  return (
    <Block title={t('calls.followUp')}>
      <form onSubmit={saveNotes}>
        <Stack gap="sm">
          <div className={classes.pair}>
            <Select
              label={t('calls.resolution')}
              allowDeselect={false}
              value={call.resolution_status || null}
              data={resolutions.map((value) => ({ value, label: t(`calls.resolutions.${value}`) }))}
              onChange={(value) =>
                value && change.mutate({ resolution_status: value as Noted['resolution_status'] })
              }
            />
            <Select
              label={t('calls.priority')}
              allowDeselect={false}
              value={call.priority || null}
              data={priorities.map((value) => ({ value, label: t(`calls.priorities.${value}`) }))}
              onChange={(value) => value && change.mutate({ priority: value as Noted['priority'] })}
            />
          </div>
          <Textarea
            label={t('calls.notes')}
            placeholder={t('calls.notesHint')}
            autosize={false}
            rows={3}
            maxLength={limits.calls.notes.max}
            value={draft ?? call.notes}
            onChange={(e) => setDraft(e.currentTarget.value)}
          />
          <DirtyBar dirty={dirty} saving={change.isPending} onDiscard={() => setDraft(undefined)} />
        </Stack>
      </form>
    </Block>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return <div><dt>{label}</dt><dd>{children}</dd></div>
}

function Facts({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const areas = useAreas()
  const { expand } = call
  // Our end is the number below, by its name.
  const inbound = call.call_type === 'inbound'
  const link = (area: string, id: string, text: string) =>
    areas.some((a) => a.id === area) ? (
      <Anchor component={Link} to={areaPath(org, `${area}/${id}`)} size="sm">
        {text}
      </Anchor>
    ) : (
      text
    )
  return (
    <Block title={t('calls.facts.title')}>
      <dl className={classes.facts}>
        {call.caller_number && (inbound || !expand?.phone_number) && (
          <Fact label={t('calls.facts.from')}>
            <span className="pl-tabular">
              {isHidden(call.caller_number) ? t('calls.unknownCaller') : phone(call.caller_number)}
            </span>
            {isMasked(call.caller_number) && <ShowNumber call={call} />}
          </Fact>
        )}
        {call.recipient_number && (!inbound || !expand?.phone_number) && (
          <Fact label={t('calls.facts.to')}>
            <span className="pl-tabular">{phone(call.recipient_number)}</span>
            {isMasked(call.recipient_number) && <ShowNumber call={call} />}
          </Fact>
        )}
        {expand?.assistant && (
          <Fact label={t('calls.assistant')}>{link('assistants', expand.assistant.id, expand.assistant.name)}</Fact>
        )}
        {expand?.phone_number && (
          <Fact label={t('calls.number')}>
            {link(
              'numbers',
              expand.phone_number.id,
              expand.phone_number.friendly_name || phone(expand.phone_number.phone_number),
            )}
          </Fact>
        )}
        <Fact label={t('calls.facts.began')}>
          <When value={call.started_at} exact />
        </Fact>
        {call.answered_at && !isLive(call) && (
          <Fact label={t('calls.columns.length')}>{duration(call.duration_seconds)}</Fact>
        )}
        {call.transferred_to && (
          <Fact label={t('calls.facts.transferred')}>
            <span className="pl-tabular">{phone(call.transferred_to)}</span>
          </Fact>
        )}
        {call.sentiment && <Fact label={t('calls.facts.sentiment')}>{t(`calls.sentiments.${call.sentiment}`)}</Fact>}
      </dl>
    </Block>
  )
}

/** The number the server keeps from lists, for who may call back. */
function ShowNumber({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const show = useMutation({
    mutationFn: () => numberOf(org, call),
    onError: (error) => failed(problem(error, t)),
  })
  if (!can('calls.place')) return null
  if (show.data) return <Text size="sm" className="pl-tabular">{phone(show.data)}</Text>
  return (
    <Button
      size="compact-xs"
      variant="default"
      ml="xs"
      loading={show.isPending}
      title={t('contacts.number.noted')}
      onClick={() => show.mutate()}
    >
      {t('contacts.number.show')}
    </Button>
  )
}

/** The bill's parts and how long the caller waited for answers, folded: they are for who pays, not for who calls back. */
function Costs({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const { data: report } = useQuery({ ...reportQuery(org, call.id), enabled: Boolean(call.reported_at) })
  const parts = shares(report?.costs?.breakdown)
  const latencies = waits(report?.performance)
  if (!call.reported_at || !can('analytics.view')) return null
  const total = call.cost_micros / 1e6
  return (
    <Paper withBorder className={classes.block} component="section">
      <details className={classes.fold}>
        <summary>
          <Title order={2} size="h3" component="span" role="heading" aria-level={2}>{t('calls.costs.fold')}</Title>
          <Text span size="sm" c="dimmed" className="pl-tabular">{dollars(total)}</Text>
        </summary>
        <Stack gap="sm" mt="sm">
          {parts.length > 0 && (
            <BarList
              label={t('calls.costs.parts')}
              rows={parts.map(({ id, value }) => ({ id, value, label: t(`calls.costs.${id}`), text: dollars(value) }))}
            />
          )}
          <Bill items={report?.costs?.items} total={total} />
          <Text size="xs" c="dimmed">{t('calls.costs.hint')}</Text>
          {latencies && (
            <>
              <Title order={3} size="h5" mt="xs">{t('calls.latency.title')}</Title>
              <Text size="sm">
                {t('calls.latency.turn', {
                  seconds: number(latencies.turn / 1000, { maximumFractionDigits: 1, minimumFractionDigits: 1 }),
                })}
              </Text>
              {latencies.parts.length > 0 && (
                <BarList
                  label={t('calls.latency.title')}
                  rows={latencies.parts.map(({ id, value }) => ({
                    id,
                    value,
                    label: t(`calls.latency.${id}`),
                    text: t('calls.milliseconds', { ms: number(Math.round(value)) }),
                  }))}
                />
              )}
            </>
          )}
        </Stack>
      </details>
    </Paper>
  )
}

const HISTORY = 6

/** The other calls with the same person. */
function History({ call }: { call: CallDetail }) {
  const t = useT()
  const org = useOrg()
  const { data } = useQuery({
    ...someCallsQuery(org, { contact: call.contact }, HISTORY + 1),
    enabled: Boolean(call.contact),
  })
  if (!call.contact || !data) return null
  const others = data.filter((other) => other.id !== call.id).slice(0, HISTORY)
  return (
    <Block title={t('calls.history.title')}>
      {others.length === 0 ? <Text size="sm" c="dimmed">{t('calls.history.none')}</Text> : (
        <ul className={classes.history}>
          {others.map((other) => (
            <li key={other.id}>
              <Group justify="space-between" gap="xs" wrap="nowrap">
                <Anchor component={Link} to={areaPath(org, `calls/${other.id}`)} size="sm">
                  <When value={other.started_at} />
                </Anchor>
                <CallBadge call={other} />
              </Group>
              <Text size="sm" c="dimmed" lineClamp={other.summary ? 2 : undefined} className="pl-wrap">
                {aboutOf(other, t)}
              </Text>
            </li>
          ))}
        </ul>
      )}
    </Block>
  )
}
