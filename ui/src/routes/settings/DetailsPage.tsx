import { Select, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { EditorForm } from '../../components/EditorForm'
import { field } from '../../components/Field'
import { usePicture } from '../../components/picture'
import { PictureField } from '../../components/PictureField'
import { Pair } from '../../components/Pair'
import { Section } from '../../components/Section'
import { ErrorState, SkeletonAfter200ms } from '../../components/States'
import { saved } from '../../components/toast'
import { TradeSelect } from '../../components/TradeSelect'
import { useEditor, type EditForm } from '../../lib/editor'
import { zoneChoices } from '../../lib/format'
import { useLanguage, useT, type Key } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { changed } from '../../lib/rebase'
import { useHere, useOrg } from '../../lib/session'
import { countries, saveOrganization, useOrganization, type OrganizationDetail } from './data'
import { SettingsPage } from './SettingsPage'

const names = ['name', 'description', 'industry', 'company_size', 'country', 'timezone', 'language'] as const
type Values = Record<(typeof names)[number], string>

const labels = {
  name: 'settings.details.name', description: 'settings.details.description', industry: 'settings.details.industry',
  company_size: 'settings.details.size', country: 'settings.details.country', timezone: 'settings.details.zone',
  language: 'settings.details.language',
} as const satisfies Record<keyof Values, Key>

const details: EditForm<OrganizationDetail, Values> = {
  toForm: (o) => Object.fromEntries(names.map((name) => [name, o[name] ?? ''])) as Values,
  toBody: (values, base) => changed(base, values),
  label: (name) => labels[name],
  problems: ({ name }, t) => (name.trim() ? {} : { name: t('errors.field.required') }),
}

export function DetailsPage() {
  const t = useT()
  const org = useOrg()
  const record = useOrganization(org)
  return (
    <SettingsPage title={t('settings.nav.organization')} text={t('settings.details.text')} needs={['settings.view']}>
      {record.isPending ? (
        <SkeletonAfter200ms lines={8} />
      ) : record.data ? (
        <Editor key={org} record={record.data} />
      ) : (
        <ErrorState error={record.error} onRetry={() => void record.refetch()} />
      )}
    </SettingsPage>
  )
}

function Editor({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const language = useLanguage()
  const queries = useQueryClient()
  const { can } = useHere()
  const manage = can('settings.manage')
  const known = (stored: OrganizationDetail) => {
    queries.setQueryData([record.id, 'organizations', 'one'], stored)
    void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
  }
  const editor = useEditor<OrganizationDetail, Values>('organizations', (body) => saveOrganization(record.id, body), {
    ...details, record, done: (stored) => {
      known(stored)
      saved(t('settings.saved'))
    },
  })
  const { form } = editor
  const regions = useMemo(() => countries(language), [language])
  // oxlint-disable-next-line react/exhaustive-deps -- the names follow the language
  const zones = useMemo(() => zoneChoices(record.timezone), [record.timezone, language])
  const max = limits.organizations
  const off = { disabled: !manage }
  return (
    <EditorForm editor={editor} writable={manage}>
      <Section title={t('settings.details.about')}>
        <PictureField
          name={record.name}
          src={usePicture('organizations', record.id, record.logo ?? '')}
          has={Boolean(record.logo)}
          choose={t('settings.details.logo')}
          remove={t('settings.details.noLogo')}
          hint={t('settings.details.logoHint')}
          writable={manage}
          radius="md"
          onSave={async (logo) => {
            known(await saveOrganization(record.id, { logo }))
            saved(t('settings.saved'))
          }}
        />
        <TextInput label={t('settings.details.name')} {...field(form, 'name', max.name)} {...off} />
        <Textarea
          label={t('settings.details.description')}
          description={t('settings.details.descriptionHint')}
          autosize
          minRows={2}
          {...field(form, 'description', max.description)}
          {...off}
        />
        <Pair>
          <TradeSelect
            label={t('settings.details.industry')}
            clearable
            clearButtonProps={{ 'aria-label': t('actions.clear') }}
            {...off}
            {...field(form, 'industry')}
            value={form.values.industry}
            onChange={(value) => form.setFieldValue('industry', value ?? '')}
          />
          <Select
            label={t('settings.details.size')}
            clearable
            clearButtonProps={{ 'aria-label': t('actions.clear') }}
            {...off}
            data={(['small', 'medium', 'large'] as const).map((value) => ({
              value,
              label: t(`settings.sizes.${value}`),
            }))}
            {...field(form, 'company_size')}
            value={form.values.company_size || null}
            onChange={(value) => form.setFieldValue('company_size', value ?? '')}
          />
        </Pair>
      </Section>
      <Section title={t('settings.details.place')} text={t('settings.details.placeText')}>
        <Pair>
          <Select
            label={t('settings.details.country')}
            searchable
            clearable
            clearButtonProps={{ 'aria-label': t('actions.clear') }}
            data={regions}
            {...off}
            {...field(form, 'country')}
            value={form.values.country || null}
            onChange={(value) => form.setFieldValue('country', value ?? '')}
          />
          <Select
            label={t('settings.details.language')}
            description={t('settings.details.languageHint')}
            allowDeselect={false}
            {...off}
            data={[
              { value: 'en', label: 'English' },
              { value: 'fr', label: 'Français' },
            ]}
            {...field(form, 'language')}
          />
        </Pair>
        <Select
          label={t('settings.details.zone')}
          description={t('settings.details.zoneHint')}
          searchable
          allowDeselect={false}
          limit={60}
          maw={360}
          data={zones}
          {...off}
          {...field(form, 'timezone')}
        />
      </Section>
    </EditorForm>
  )
}
