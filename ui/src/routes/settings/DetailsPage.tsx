import { Avatar, Button, FileButton, Group, Select, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ImageUp, Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { DirtyBar } from '../../components/DirtyBar'
import { field } from '../../components/Field'
import { pictureProblem, usePicture } from '../../components/picture'
import { Section } from '../../components/Section'
import { ErrorState, ProblemAlert, SkeletonAfter200ms } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { useSubmit } from '../../lib/form'
import { timeZones } from '../../lib/format'
import { useLanguage, useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { changed, same } from '../../lib/rebase'
import { useHere, useOrg } from '../../lib/session'
import { countries, saveOrganization, useOrganization, type OrganizationDetail } from './data'
import { SettingsPage } from './SettingsPage'

const names = ['name', 'description', 'industry', 'company_size', 'country', 'timezone', 'language'] as const
type Values = Record<(typeof names)[number], string>
const toForm = (o: OrganizationDetail): Values => Object.fromEntries(names.map((name) => [name, o[name] ?? ''])) as Values

export function DetailsPage() {
  const t = useT()
  const org = useOrg()
  const record = useOrganization(org)
  return (
    <SettingsPage title={t('settings.nav.organization')} text={t('settings.details.text')} needs={['settings.view']}>
      {record.isPending
        ? <SkeletonAfter200ms lines={8} />
        : record.data ? <Editor key={org} record={record.data} /> : <ErrorState error={record.error} onRetry={() => void record.refetch()} />}
    </SettingsPage>
  )
}

function Editor({ record }: { record: OrganizationDetail }) {
  const t = useT()
  const language = useLanguage()
  const queries = useQueryClient()
  const { can } = useHere()
  const manage = can('settings.manage')
  const [base, setBase] = useState(() => toForm(record))
  const form = useForm<Values>({
    mode: 'controlled', initialValues: base,
    validate: { name: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const known = (stored: OrganizationDetail) => {
    queries.setQueryData([record.id, 'organizations', 'one'], stored)
    void queries.invalidateQueries({ queryKey: ['me', 'memberships'] })
  }
  const { submit, failure, busy, setFailure } = useSubmit(form, (values) => saveOrganization(record.id, changed(base, values)), (stored) => {
    const next = toForm(stored)
    setBase(next)
    form.setValues(next)
    known(stored)
    saved(t('settings.saved'))
  })
  const regions = useMemo(() => countries(language), [language])
  const zones = useMemo(() => [...new Set(['UTC', ...timeZones(), record.timezone].filter(Boolean))], [record.timezone])
  const max = limits.organizations
  const off = { disabled: !manage }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <ProblemAlert problem={failure} />
        <Section title={t('settings.details.about')}>
          <Logo record={record} manage={manage} onSaved={known} />
          <TextInput label={t('settings.details.name')} {...field(form, 'name', max.name)} {...off} />
          <Textarea label={t('settings.details.description')} description={t('settings.details.descriptionHint')} autosize minRows={2} {...field(form, 'description', max.description)} {...off} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
            <TextInput label={t('settings.details.industry')} {...field(form, 'industry', max.industry)} {...off} />
            <Select label={t('settings.details.size')} clearable clearButtonProps={{ 'aria-label': t('actions.clear') }} {...off} data={(['small', 'medium', 'large'] as const).map((value) => ({ value, label: t(`settings.sizes.${value}`) }))}
              {...field(form, 'company_size')} value={form.values.company_size || null} onChange={(value) => form.setFieldValue('company_size', value ?? '')} />
          </SimpleGrid>
        </Section>
        <Section title={t('settings.details.place')} text={t('settings.details.placeText')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
            <Select label={t('settings.details.country')} searchable clearable clearButtonProps={{ 'aria-label': t('actions.clear') }} data={regions} {...off} {...field(form, 'country')} value={form.values.country || null} onChange={(value) => form.setFieldValue('country', value ?? '')} />
            <Select label={t('settings.details.language')} description={t('settings.details.languageHint')} allowDeselect={false} {...off} data={[{ value: 'en', label: 'English' }, { value: 'fr', label: 'Français' }]} {...field(form, 'language')} />
          </SimpleGrid>
          <Select label={t('settings.details.zone')} description={t('settings.details.zoneHint')} searchable allowDeselect={false} limit={60} maw={360} data={zones} {...off} {...field(form, 'timezone')} />
        </Section>
        <DirtyBar dirty={manage && !same(base, form.values)} saving={busy} onDiscard={() => {
          form.setValues(base)
          form.clearErrors()
          setFailure(undefined)
        }} />
      </Stack>
    </form>
  )
}

/** The logo acts at once: a picture has nothing to save with the rest. */
function Logo({ record, manage, onSaved }: { record: OrganizationDetail; manage: boolean; onSaved: (stored: OrganizationDetail) => void }) {
  const t = useT()
  const save = useMutation({
    mutationFn: (logo: File | null) => saveOrganization(record.id, { logo }),
    onSuccess: (stored) => {
      onSaved(stored)
      saved(t('settings.saved'))
    },
    onError: (error) => failed(pictureProblem(error, t)),
  })
  return (
    <Group gap="md">
      <Avatar size={64} radius="md" color="teal" name={record.name} alt="" src={usePicture('organizations', record.id, record.logo ?? '')} />
      {manage && (
        <Stack gap={6}>
          <Group gap="xs">
            <FileButton accept="image/png,image/jpeg,image/webp" onChange={(file) => file && save.mutate(file)}>
              {(props) => <Button {...props} variant="default" loading={save.isPending} leftSection={<ImageUp size={16} aria-hidden />}>{t('settings.details.logo')}</Button>}
            </FileButton>
            {record.logo && <Button variant="subtle" color="gray" leftSection={<Trash2 size={16} aria-hidden />} disabled={save.isPending} onClick={() => save.mutate(null)}>{t('settings.details.noLogo')}</Button>}
          </Group>
          <Text size="xs" c="dimmed">{t('picture.rule')} {t('settings.details.logoHint')}</Text>
        </Stack>
      )}
    </Group>
  )
}
