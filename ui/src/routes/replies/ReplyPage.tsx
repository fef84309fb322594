import { Select, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { field } from '../../components/Field'
import { NewPage, RecordPage, RemoveButton } from '../../components/RecordPage'
import { Section } from '../../components/Section'
import { useT } from '../../lib/i18n'
import { languages, replies, tooLong, type Reply, type ReplyForm } from './data'

export function NewReplyPage() {
  const t = useT()
  return (
    <NewPage of={replies} text={t('replies.text')} create={t('replies.create')} said={t('replies.created')}>
      {({ form }) => <Fields form={form} />}
    </NewPage>
  )
}

export function ReplyPage() {
  return (
    <RecordPage
      of={replies}
      title={({ shortcut }) => `/${shortcut}`}
      actions={(record) => <Remove record={record} />}
      size="md"
      said="replies.saved"
    >
      {({ form, writable }) => <Fields form={form} readOnly={!writable} />}
    </RecordPage>
  )
}

function Fields({ form, readOnly = false }: { form: UseFormReturnType<ReplyForm>; readOnly?: boolean }) {
  const t = useT()
  const long = tooLong(form.values, t)
  const choices = [
    { value: '', label: t('replies.everyLanguage') },
    ...languages.map((value) => ({ value, label: t(`replies.languages.${value}`) })),
  ]
  // Too long a text is kept and said to be so, at once.
  const needed = (name: 'shortcut' | 'text') => {
    const props = field(form, name, { required: true })
    return { ...props, error: props.error ?? long[name], ...(long[name] && { 'aria-invalid': true }) }
  }
  return (
    <Section title={t('replies.one')}>
      <TextInput
        label={t('replies.fields.shortcut')}
        description={t('replies.shortcutHint')}
        placeholder={t('replies.shortcutExample')}
        leftSection="/"
        autoCapitalize="off"
        autoComplete="off"
        spellCheck={false}
        styles={{ wrapper: { maxWidth: 360 } }}
        {...needed('shortcut')}
        readOnly={readOnly}
      />
      <Textarea
        label={t('replies.fields.text')}
        description={t('replies.textHint')}
        placeholder={t('replies.textExample')}
        autosize
        minRows={4}
        maxRows={20}
        {...needed('text')}
        readOnly={readOnly}
      />
      <Select
        label={t('replies.fields.language')}
        description={t('replies.languageHint')}
        allowDeselect={false}
        data={choices}
        styles={{ wrapper: { maxWidth: 360 } }}
        {...field(form, 'language')}
        readOnly={readOnly}
      />
    </Section>
  )
}

function Remove({ record: { id, shortcut } }: { record: Reply }) {
  const t = useT()
  const name = `/${shortcut}`
  const question = {
    title: t('replies.remove.title', { name }),
    body: t('replies.remove.text'),
    action: t('replies.remove.action'),
  }
  return <RemoveButton of={replies} id={id} question={question} done={t('replies.deleted', { name })} />
}
