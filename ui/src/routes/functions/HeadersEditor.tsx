import { ActionIcon, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { Lock, Plus, Trash2 } from 'lucide-react'
import { Field } from '../../components/Field'
import { useT } from '../../lib/i18n'
import type { Header } from './form'

// The same in every language.
const example = 'Authorization'

/** Secret headers: written, never read back. Undefined keeps the stored ones. */
export function HeadersEditor({ value, onChange, error, readOnly, stored }: {
  value: Header[] | undefined
  onChange: (value: Header[] | undefined) => void
  error?: string
  readOnly: boolean
  /** The server holds headers already. */
  stored: boolean
}) {
  const t = useT()
  const set = (index: number, change: Partial<Header>) =>
    onChange(value?.map((h, i) => (i === index ? { ...h, ...change } : h)))
  return (
    <Field label={t('functions.headers.title')} hint={t('functions.headers.hint')} error={error}>
      {(ids) => (
        <Stack gap="xs" role="group" {...ids}>
          {value === undefined ? (
            <Group gap="xs">
              <Lock size={16} aria-hidden />
              <Text size="sm">{t('functions.headers.set')}</Text>
              {!readOnly && (
                <Button size="xs" variant="default" onClick={() => onChange([{ name: '', value: '' }])}>
                  {t('functions.headers.replace')}
                </Button>
              )}
              {!readOnly && (
                <Button size="xs" variant="subtle" color="red" onClick={() => onChange([])}>
                  {t('functions.headers.removeAll')}
                </Button>
              )}
            </Group>
          ) : (
            <>
              {value.length === 0 && (
                <Text size="sm" c="dimmed">
                  {t(stored ? 'functions.headers.willGo' : 'functions.headers.none')}
                </Text>
              )}
              {value.map((header, index) => (
                // oxlint-disable-next-line react/no-array-index-key -- added at the end and removed, never moved
                <Group key={index} gap="xs" align="flex-end" wrap="wrap">
                  <TextInput
                    style={{ flex: '1 1 9rem' }}
                    label={t('functions.headers.name')}
                    placeholder={example}
                    value={header.name}
                    maxLength={100}
                    readOnly={readOnly}
                    autoComplete="off"
                    spellCheck={false}
                    onChange={(event) => set(index, { name: event.currentTarget.value })}
                  />
                  <PasswordInput
                    style={{ flex: '2 1 10rem' }}
                    label={t('functions.headers.value')}
                    value={header.value}
                    readOnly={readOnly}
                    autoComplete="new-password"
                    visibilityToggleButtonProps={{ 'aria-label': t('functions.headers.show') }}
                    onChange={(event) => set(index, { value: event.currentTarget.value })}
                  />
                  {!readOnly && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      size={36}
                      aria-label={t('functions.headers.remove', { name: header.name || String(index + 1) })}
                      onClick={() => onChange(value.filter((_, i) => i !== index))}
                    >
                      <Trash2 size={16} aria-hidden />
                    </ActionIcon>
                  )}
                </Group>
              ))}
              {!readOnly && (
                <Group gap="xs">
                  <Button
                    size="xs"
                    variant="default"
                    leftSection={<Plus size={14} aria-hidden />}
                    onClick={() => onChange([...value, { name: '', value: '' }])}
                  >
                    {t('functions.headers.add')}
                  </Button>
                  {stored && (
                    <Button size="xs" variant="subtle" onClick={() => onChange(undefined)}>
                      {t('functions.headers.keep')}
                    </Button>
                  )}
                </Group>
              )}
            </>
          )}
        </Stack>
      )}
    </Field>
  )
}
