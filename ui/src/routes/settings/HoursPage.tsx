import { Alert, Group, Radio, Stack, Text } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { DoorClosed, DoorOpen } from 'lucide-react'
import { useState } from 'react'
import { MomentField } from '../../components/Days'
import { EditorForm } from '../../components/EditorForm'
import { Field } from '../../components/Field'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { saved } from '../../components/toast'
import { When } from '../../components/When'
import { api } from '../../lib/api'
import { useEditor, type EditForm } from '../../lib/editor'
import { zoneName } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { useHere, useOrg } from '../../lib/session'
import { Closures } from './Closures'
import { saveOrganization, useOrganization, type OrganizationDetail } from './data'
import { days, fullWeek, isUntouched, shiftProblem, toWeek, usualWeek, type Closure, type FullWeek } from './hours'
import { SettingsPage } from './SettingsPage'
import { WeekEditor } from './WeekEditor'

type Values = {
  always: boolean
  business_hours: FullWeek
  closures: Closure[]
}

const labels = {
  always: 'settings.hours.when',
  business_hours: 'settings.hours.week',
  closures: 'settings.hours.closures',
} as const

const isWrong = ({ always, business_hours: week, closures }: Values): boolean =>
  (!always && days.some((day) => shiftProblem(week[day])))
  || closures.some((c) => (!c.from && !isUntouched(c)) || shiftProblem(c.hours ?? []) !== undefined || (c.to ? c.to < c.from : false))

const hours: EditForm<OrganizationDetail, Values> = {
  toForm: ({ business_hours: week, closures }) => {
    const always = !week || Object.keys(week).length === 0
    return { always, business_hours: always ? usualWeek : fullWeek(week), closures: closures ?? [] }
  },
  toBody: ({ always, business_hours: week, closures }) => ({
    business_hours: always ? null : toWeek(week), closures: closures.filter((c) => !isUntouched(c)),
  }),
  label: (name) => labels[name],
  problems: (values, t) => (isWrong(values) ? { closures: t('settings.hours.wrong') } : {}),
}

export function HoursPage() {
  const t = useT()
  const org = useOrg()
  const record = useOrganization(org)
  return (
    <SettingsPage title={t('settings.nav.hours')} text={t('settings.hours.text')} needs={['settings.view']}>
      {record.isPending ? (
        <SkeletonAfter200ms lines={10} />
      ) : record.data ? (
        <>
          <Now zone={record.data.timezone} />
          <Editor key={org} record={record.data} />
        </>
      ) : (
        <ErrorState error={record.error} onRetry={() => void record.refetch()} />
      )}
    </SettingsPage>
  )
}

interface OpenAnswer {
  open: boolean
  reason: 'always' | 'hours' | 'special_hours' | 'outside_hours' | 'day_off' | 'closure'
  closure?: string
  next_change: string | null
}

/** A closure and a day of other hours have a name, or none. */
export function whyOf({ reason, closure }: Pick<OpenAnswer, 'reason' | 'closure'>, t: T): string {
  if (closure || (reason !== 'closure' && reason !== 'special_hours'))
    return t(`settings.hours.reasons.${reason}`, { name: closure ?? '' })
  return t(`settings.hours.unnamed.${reason}`)
}

// Asked again this often, so that the sentence stays true while the page is open.
const NOW_MS = 60_000

/** Is the door open, why, and until when; also for a moment of the person's choice. */
function Now({ zone }: { zone: string }) {
  const t = useT()
  const org = useOrg()
  const [moment, setMoment] = useState('')
  const at = moment ? new Date(moment.replace(' ', 'T')) : undefined
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
            <Alert
              variant="light"
              color={data.open ? 'teal' : 'yellow'}
              icon={data.open ? <DoorOpen size={18} aria-hidden /> : <DoorClosed size={18} aria-hidden />}
              title={t(data.open ? 'settings.hours.open' : 'settings.hours.closed')}
            >
              <Text size="sm">
                {whyOf(data, t)}
                {data.next_change && (
                  <>
                    {' '}
                    {t(data.open ? 'settings.hours.closes' : 'settings.hours.opens')}{' '}
                    <When value={data.next_change} exact />.
                  </>
                )}
              </Text>
            </Alert>
          )}
        </div>
        <MomentField
          label={t('settings.hours.check')}
          description={t('settings.hours.checkHint', { zone: zoneName(zone) })}
          value={moment}
          onChange={setMoment}
        />
      </Group>
    </Section>
  )
}

function Editor({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const { can } = useHere()
  const queries = useQueryClient()
  const manage = can('settings.manage')
  const editor = useEditor<OrganizationDetail, Values>('organizations', (body) => saveOrganization(record.id, body), {
    ...hours, record, done: (stored) => {
      queries.setQueryData([record.id, 'organizations', 'one'], stored)
      saved(t('settings.saved'))
    },
  })
  const { form, dirty } = editor
  return (
    <EditorForm editor={editor} writable={manage}>
      <Section title={t('settings.hours.week')} text={t('settings.hours.weekText', { zone: zoneName(record.timezone) })}>
        <Field label={t('settings.hours.when')}>
          {(ids) => (
            <Radio.Group
              {...ids}
              name="always"
              value={form.values.always ? 'always' : 'week'}
              onChange={(value) => form.setFieldValue('always', value === 'always')}
            >
              <Stack gap="xs" mt={6}>
                <Radio value="always" label={t('settings.hours.always')} disabled={!manage} />
                <Radio value="week" label={t('settings.hours.byWeek')} disabled={!manage} />
              </Stack>
            </Radio.Group>
          )}
        </Field>
        {!form.values.always && (
          <WeekEditor
            week={form.values.business_hours}
            onChange={(week) => form.setFieldValue('business_hours', week)}
            disabled={!manage}
          />
        )}
      </Section>
      <Section title={t('settings.hours.closures')} text={t('settings.hours.closuresText')}>
        <Closures
          closures={form.values.closures}
          onChange={(closures) => form.setFieldValue('closures', closures)}
          disabled={!manage}
        />
      </Section>
      {dirty && isWrong(form.values) && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t('settings.hours.wrong')}
        </Text>
      )}
    </EditorForm>
  )
}
