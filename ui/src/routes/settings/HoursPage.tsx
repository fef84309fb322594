import { Alert, Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { DoorClosed, DoorOpen } from 'lucide-react'
import { useEffect, useState } from 'react'
import { DirtyBar } from '../../components/DirtyBar'
import { Field } from '../../components/Field'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { same } from '../../lib/rebase'
import { useHere, useOrg } from '../../lib/session'
import { Closures } from './Closures'
import { saveOrganization, useOrganization, type OrganizationDetail } from './data'
import { days, fullWeek, shiftProblem, toWeek, usualWeek, type Closure, type FullWeek } from './hours'
import { SettingsPage } from './SettingsPage'
import { WeekEditor } from './WeekEditor'

interface Values {
  always: boolean
  week: FullWeek
  closures: Closure[]
}

const toForm = (o: OrganizationDetail): Values => {
  const always = !o.business_hours || Object.keys(o.business_hours).length === 0
  return { always, week: always ? usualWeek : fullWeek(o.business_hours), closures: o.closures ?? [] }
}

export function HoursPage() {
  const t = useT()
  const org = useOrg()
  const record = useOrganization(org)
  return (
    <SettingsPage title={t('settings.nav.hours')} text={t('settings.hours.text')} needs={['settings.view']}>
      {record.isPending
        ? <SkeletonAfter200ms lines={10} />
        : record.data ? <><Now zone={record.data.timezone} /><Editor key={org} record={record.data} /></> : <ErrorState error={record.error} onRetry={() => void record.refetch()} />}
    </SettingsPage>
  )
}

interface OpenAnswer {
  open: boolean
  reason: 'always' | 'hours' | 'special_hours' | 'outside_hours' | 'day_off' | 'closure'
  closure?: string
  next_change: string | null
}

// Asked again this often, so that the sentence stays true while the page is open.
const NOW_MS = 60_000

/** Is the door open, why, and until when; also for a moment of the person's choice. */
function Now({ zone }: { zone: string }) {
  const t = useT()
  const org = useOrg()
  const [moment, setMoment] = useState('')
  const at = moment ? new Date(moment) : undefined
  const asked = at && !Number.isNaN(at.getTime()) ? at.toISOString().replace(/\.\d+Z$/, 'Z') : undefined
  const answer = useQuery({
    queryKey: [org, 'organizations', 'open', asked ?? 'now'],
    queryFn: ({ signal }) => api.get<OpenAnswer>(`/api/organizations/${org}/open`, { signal, query: { at: asked } }),
    refetchInterval: asked ? false : NOW_MS,
    placeholderData: (before) => before,
  })
  const data = answer.data
  return (
    <Section title={t('settings.hours.now')}>
      <Group gap="md" align="flex-end" justify="space-between">
        <div role="status" style={{ flex: '1 1 18rem' }}>
          {!data && <SkeletonAfter200ms lines={2} />}
          {data && (
            <Alert variant="light" color={data.open ? 'teal' : 'yellow'} icon={data.open ? <DoorOpen size={18} aria-hidden /> : <DoorClosed size={18} aria-hidden />} title={t(data.open ? 'settings.hours.open' : 'settings.hours.closed')}>
              <Text size="sm">
                {t(`settings.hours.reasons.${data.reason}`, { name: data.closure ?? '' })}
                {data.next_change && <>{' '}{t(data.open ? 'settings.hours.closes' : 'settings.hours.opens')} <When value={data.next_change} exact />.</>}
              </Text>
            </Alert>
          )}
        </div>
        <TextInput type="datetime-local" label={t('settings.hours.check')} description={t('settings.hours.checkHint', { zone: zone || 'UTC' })} value={moment} onChange={(event) => setMoment(event.currentTarget.value)} />
      </Group>
    </Section>
  )
}

function Editor({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const queries = useQueryClient()
  const { can } = useHere()
  const manage = can('settings.manage')
  const [base, setBase] = useState(() => toForm(record))
  const [values, setValues] = useState(base)
  const dirty = !same(base, values)
  // Somebody else's change is shown as long as nothing here was touched.
  const theirs = toForm(record)
  const moved = !same(theirs, base)
  useEffect(() => {
    if (!moved || dirty) return
    setBase(theirs)
    setValues(theirs)
    // oxlint-disable-next-line react/exhaustive-deps -- `theirs` is made anew each time; `moved` says when it differs
  }, [moved, dirty])
  const save = useMutation({
    mutationFn: (v: Values) => saveOrganization(record.id, { business_hours: v.always ? null : toWeek(v.week), closures: v.closures }),
    onSuccess: (stored, sent) => {
      setBase(sent)
      queries.setQueryData([record.id, 'organizations', 'one'], stored)
      void queries.invalidateQueries({ queryKey: [record.id, 'organizations', 'open'] })
      saved(t('settings.saved'))
    },
  })
  const wrong = !values.always && days.some((day) => shiftProblem(values.week[day])) || values.closures.some((c) => !c.from || shiftProblem(c.hours ?? []) !== undefined || (c.to ? c.to < c.from : false))
  const failure = save.error ? problem(save.error, t) : undefined
  const sentence = failure && (failure.fields.business_hours ?? failure.fields.closures)
  return (
    <form noValidate onSubmit={(event) => {
      event.preventDefault()
      if (!wrong) save.mutate(values)
    }}>
      <Stack gap="md">
        <ProblemAlert problem={failure && sentence ? { ...failure, cause: sentence } : failure} />
        <Section title={t('settings.hours.week')} text={t('settings.hours.weekText', { zone: record.timezone || 'UTC' })}>
          <Field label={t('settings.hours.when')}>
            {(ids) => (
              <Radio.Group {...ids} name="always" value={values.always ? 'always' : 'week'} onChange={(value) => setValues({ ...values, always: value === 'always' })}>
                <Stack gap="xs" mt={6}>
                  <Radio value="always" label={t('settings.hours.always')} disabled={!manage} />
                  <Radio value="week" label={t('settings.hours.byWeek')} disabled={!manage} />
                </Stack>
              </Radio.Group>
            )}
          </Field>
          {!values.always && <WeekEditor week={values.week} onChange={(week) => setValues({ ...values, week })} disabled={!manage} />}
        </Section>
        <Section title={t('settings.hours.closures')} text={t('settings.hours.closuresText')}>
          <Closures closures={values.closures} onChange={(closures) => setValues({ ...values, closures })} disabled={!manage} />
        </Section>
        {wrong && dirty && <Text size="sm" c="var(--mantine-color-error)" role="alert">{t('settings.hours.wrong')}</Text>}
        <DirtyBar dirty={manage && dirty} saving={save.isPending} onDiscard={() => {
          setValues(base)
          save.reset()
        }} />
      </Stack>
    </form>
  )
}
