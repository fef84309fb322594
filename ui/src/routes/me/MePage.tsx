import { SegmentedControl, Switch, TextInput, useMantineColorScheme } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMediaQuery } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { DirtyBar } from '../../components/DirtyBar'
import { Field, field } from '../../components/Field'
import { usePicture } from '../../components/picture'
import { PictureField } from '../../components/PictureField'
import { Section } from '../../components/Section'
import { ProblemAlert } from '../../components/States'
import { failed, saved } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useSubmit } from '../../lib/form'
import { setLanguage, useLanguage, useT, type Language } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { keys, remember, type Theme } from '../../lib/prefs'
import { saveMe, savePreferences } from '../../lib/profile'
import type { Me } from '../../lib/session'
import { shortcutsEnabled } from '../../lib/shortcuts'
import { NAME } from '../limits'
import { MeFrame } from './MeFrame'
import { Notifications } from './Notifications'

export function MePage() {
  const t = useT()
  return (
    <MeFrame title={t('profile.title')}>
      {(me) => (
        <>
          <Profile key={me.id} me={me} />
          <Appearance me={me} />
          <Notifications me={me} />
        </>
      )}
    </MeFrame>
  )
}

function Profile({ me }: { me: Me }) {
  const t = useT()
  const [dirty, setDirty] = useState(false)
  const form = useForm<{ name: string; phone: string }>({
    mode: 'uncontrolled',
    initialValues: { name: me.name, phone: me.phone },
    onValuesChange: () => setDirty(form.isDirty()),
    validate: { name: (value) => (value.trim() ? null : t('errors.field.required')) },
  })
  const { submit, failure, busy, setFailure } = useSubmit(form, (values) => saveMe(me, values), (record) => {
    form.setValues({ name: record.name, phone: record.phone })
    form.resetDirty()
    setDirty(false)
    saved(t('profile.saved'))
  })
  return (
    <form onSubmit={submit} noValidate>
      <Section title={t('profile.you')}>
        <ProblemAlert problem={failure} />
        <PictureField
          name={me.name || me.email}
          src={usePicture('users', me.id, me.avatar)}
          has={me.avatar !== ''}
          choose={t('profile.picture')}
          remove={t('profile.noPicture')}
          onSave={async (avatar) => {
            await pb.collection('users').update<Me>(me.id, { avatar })
            saved(t('profile.saved'))
          }}
        />
        <TextInput
          label={t('profile.name')}
          autoComplete="name"
          {...field(form, 'name', { required: true, ...NAME })}
        />
        <TextInput
          label={t('profile.phone')}
          description={t('profile.phoneHint')}
          type="tel"
          autoComplete="tel"
          {...field(form, 'phone', { max: 32 })}
        />
      </Section>
      <DirtyBar dirty={dirty} saving={busy} onDiscard={() => {
        form.reset()
        setDirty(false)
        setFailure(undefined)
      }} />
    </form>
  )
}

/** Each choice acts at once and is kept in the profile, so that the next browser starts the same. */
function Appearance({ me }: { me: Me }) {
  const t = useT()
  const language = useLanguage()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const narrow = useMediaQuery('(max-width: 30em)', undefined, { getInitialValueInEffect: false })
  const orientation = narrow ? 'vertical' : 'horizontal'
  const [shortcuts, setShortcuts] = useState(shortcutsEnabled)
  const keep = useMutation({
    mutationFn: (change: Partial<Me>) => saveMe(me, change),
    onError: (error) => failed(problem(error, t)),
  })
  const keepShortcuts = useMutation({
    mutationFn: (on: boolean) => savePreferences({ shortcuts: on }),
    onError: (error) => failed(problem(error, t)),
  })
  return (
    <Section title={t('profile.appearance')}>
      <Field label={t('profile.language')}>
        {(ids) => (
          <SegmentedControl
            {...ids}
            orientation={orientation}
            name="language"
            fullWidth
            value={language}
            data={[
              { value: 'en', label: 'English' },
              { value: 'fr', label: 'Français' },
            ]}
            onChange={(value) => {
              void setLanguage(value as Language)
              keep.mutate({ language: value as Language })
            }} />
        )}
      </Field>
      <Field label={t('profile.theme')}>
        {(ids) => (
          <SegmentedControl
            {...ids}
            orientation={orientation}
            name="theme"
            fullWidth
            value={colorScheme}
            data={[
              { value: 'auto', label: t('profile.themes.auto') },
              { value: 'light', label: t('profile.themes.light') },
              { value: 'dark', label: t('profile.themes.dark') },
            ]}
            onChange={(value) => {
              setColorScheme(value as Theme)
              keep.mutate({ theme: value as Theme })
            }} />
        )}
      </Field>
      <Switch
        label={t('profile.shortcuts')}
        description={t('profile.shortcutsHint')}
        checked={shortcuts}
        onChange={(event) => {
          const on = event.currentTarget.checked
          setShortcuts(on)
          remember(keys.shortcuts, on ? 'on' : 'off')
          keepShortcuts.mutate(on)
        }}
      />
    </Section>
  )
}
