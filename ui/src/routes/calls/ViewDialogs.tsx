import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Trash2, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '../../components/Dialog'
import { ProblemAlert } from '../../components/States'
import { saved } from '../../components/toast'
import { useSubmit } from '../../lib/form'
import { useT } from '../../lib/i18n'
import { randomId } from '../../lib/random'
import { useOrg } from '../../lib/session'
import classes from './Calls.module.css'
import type { CallFilters } from './filters'
import { saveViews, useViews } from './useViews'
import { changeViews, keepView, namesake, VIEW_NAME_MAX, VIEWS_MAX } from './views'

/** Gives the list as it is now a name. */
export function SaveView({ filters, onClose }: { filters: CallFilters; onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  const views = useViews(org)
  const full = views.length >= VIEWS_MAX
  const form = useForm({
    initialValues: { name: '' },
    validate: {
      name: (name) => {
        if (!name.trim()) return t('errors.field.required')
        return full && !namesake(views, name) ? t('calls.views.full', { count: VIEWS_MAX }) : null
      },
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    ({ name }) => saveViews(org, (now) => keepView(now, name, filters, `v${randomId(1)}`)),
    () => {
      saved(t('calls.views.saved'))
      onClose()
    },
  )
  const old = namesake(views, form.values.name)
  return (
    <Dialog onClose={onClose} title={t('calls.views.save')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <TextInput
            label={t('calls.views.name')}
            description={t('calls.views.nameHint')}
            required
            autoComplete="off"
            maxLength={VIEW_NAME_MAX}
            data-autofocus
            {...form.getInputProps('name')}
          />
          {old && (
            <Text size="sm" role="status" className="pl-wrap">
              {t('calls.views.replaces', { name: old.name })}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={busy}>{t('actions.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** Renames and deletes views. Nothing is changed before "Save". */
export function ManageViews({ onClose }: { onClose: () => void }) {
  const t = useT()
  const org = useOrg()
  // As they were when the dialog opened: what another window adds meanwhile stays untouched.
  const [views] = useState(useViews(org))
  const [gone, setGone] = useState<string[]>([])
  const form = useForm<Record<string, string>>({
    initialValues: Object.fromEntries(views.map(({ id, name }) => [id, name])),
    validate: (names) => {
      const left = views.filter(({ id }) => !gone.includes(id)).map((view) => ({ ...view, name: names[view.id] ?? '' }))
      return Object.fromEntries(left.flatMap(({ id, name }) => {
        if (!name.trim()) return [[id, t('errors.field.required')]]
        return namesake(left, name, id) ? [[id, t('calls.views.taken')]] : []
      }))
    },
  })
  const { submit, failure, busy } = useSubmit(
    form,
    (names) => saveViews(org, (now) => changeViews(now, { names, gone })),
    () => {
      saved(t('calls.views.changed'))
      onClose()
    },
  )
  const toggle = (id: string) => setGone(gone.includes(id) ? gone.filter((other) => other !== id) : [...gone, id])
  return (
    <Dialog onClose={onClose} title={t('calls.views.manage')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <ProblemAlert problem={failure} />
          <ul className={classes.renames}>
            {views.map(({ id, name }) => {
              const going = gone.includes(id)
              return (
                <li key={id}>
                  <TextInput
                    aria-label={t('calls.views.nameOf', { name })}
                    autoComplete="off"
                    maxLength={VIEW_NAME_MAX}
                    disabled={going}
                    {...form.getInputProps(id)}
                  />
                  <ActionIcon
                    variant="default"
                    size={36}
                    aria-label={t(going ? 'calls.views.keep' : 'calls.views.delete', { name })}
                    onClick={() => toggle(id)}
                  >
                    {going ? <Undo2 size={16} aria-hidden /> : <Trash2 size={16} aria-hidden />}
                  </ActionIcon>
                </li>
              )
            })}
          </ul>
          {gone.length > 0 && <Text size="sm" role="status">{t('calls.views.going', { count: gone.length })}</Text>}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{t('actions.cancel')}</Button>
            <Button type="submit" loading={busy}>{t('actions.save')}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
