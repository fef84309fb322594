import {
  ActionIcon, Button, Checkbox, Group, Input, Paper, SegmentedControl, Select, Stack, TagsInput, Text, Textarea,
  TextInput,
} from '@mantine/core'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Field } from '../../components/Field'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import { switchView, type Parameters } from './form'
import { argumentTypes, newArgument, rowProblems, type Argument, type ArgumentType } from './schema'

/** The arguments a function takes, as rows or as a JSON schema. */
export function ParametersEditor({ value, onChange, error, readOnly }: {
  value: Parameters
  onChange: (value: Parameters) => void
  error?: string
  readOnly: boolean
}) {
  const t = useT()
  const [refused, setRefused] = useState(false)
  const problems = rowProblems(value.rows)
  const setRow = (index: number, change: Partial<Argument>) =>
    onChange({ ...value, rows: value.rows.map((row, i) => (i === index ? { ...row, ...change } : row)) })
  return (
    <Field label={t('functions.parameters.title')} hint={t('functions.parameters.hint')} error={error}>
      {(ids) => (
        <Stack gap="sm" role="group" {...ids}>
          <div>
            <SegmentedControl
              size="xs"
              value={value.view}
              aria-label={t('functions.parameters.view')}
              data={[
                { value: 'rows', label: t('functions.parameters.rows') },
                { value: 'json', label: t('functions.parameters.json') },
              ]}
              onChange={(view) => {
                const next = view === value.view ? value : switchView(value)
                setRefused(!next)
                if (next) onChange(next)
              }} />
          </div>
          {refused && value.view === 'json' && (
            <Input.Error role="alert">{t('functions.parameters.onlyJson')}</Input.Error>
          )}
          {value.view === 'json' ? (
            <Textarea
              aria-label={t('functions.parameters.json')}
              autosize
              minRows={6}
              maxRows={20}
              maxLength={limits.functions.parameters.max}
              readOnly={readOnly}
              value={value.text}
              spellCheck={false}
              styles={{
                input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 'var(--mantine-font-size-xs)' },
              }}
              onChange={(event) => {
                setRefused(false)
                onChange({ ...value, text: event.currentTarget.value })
              }} />
          ) : (
            <>
              {value.rows.length === 0 && <Text size="sm" c="dimmed">{t('functions.parameters.none')}</Text>}
              {value.rows.map((row, index) => {
                const wrong = problems.get(index)
                return (
                  // Rows have no name of their own until one is typed; they are only added at the end and removed.
                  // oxlint-disable-next-line react/no-array-index-key
                  <Paper
                    key={index}
                    withBorder
                    p="sm"
                    role="group"
                    aria-label={t('functions.parameters.row', { name: row.name || String(index + 1) })}
                  >
                    <Stack gap="xs">
                      <Group gap="xs" align="flex-start" wrap="wrap">
                        <TextInput
                          style={{ flex: '2 1 9rem' }}
                          label={t('functions.parameters.name')}
                          value={row.name}
                          maxLength={64}
                          readOnly={readOnly}
                          autoCapitalize="off"
                          spellCheck={false}
                          error={
                            wrong &&
                            t(wrong === 'twice' ? 'functions.parameters.twice' : 'functions.parameters.badName')
                          }
                          onChange={(event) => setRow(index, { name: event.currentTarget.value })}
                        />
                        <Select
                          style={{ flex: '1 1 7rem' }}
                          label={t('functions.parameters.type')}
                          allowDeselect={false}
                          readOnly={readOnly}
                          value={row.type}
                          data={argumentTypes.map((type) => ({ value: type, label: t(`functions.types.${type}`) }))}
                          onChange={(type) =>
                            setRow(index, {
                              type: (type ?? 'string') as ArgumentType,
                              ...(type !== row.type && { rest: {}, choices: [] }),
                            })
                          }
                        />
                        <Group gap="xs" wrap="nowrap" mt={24} h={36}>
                          <Checkbox
                            label={t('functions.parameters.required')}
                            checked={row.required}
                            disabled={readOnly}
                            onChange={(event) => setRow(index, { required: event.currentTarget.checked })}
                          />
                          {!readOnly && (
                            <ActionIcon
                              variant="subtle"
                              color="gray"
                              size={36}
                              aria-label={t('functions.parameters.remove', { name: row.name || String(index + 1) })}
                              onClick={() => onChange({ ...value, rows: value.rows.filter((_, i) => i !== index) })}
                            >
                              <Trash2 size={16} aria-hidden />
                            </ActionIcon>
                          )}
                        </Group>
                      </Group>
                      <Group gap="xs" align="flex-start" wrap="wrap">
                        <TextInput
                          style={{ flex: '3 1 14rem' }}
                          label={t('functions.parameters.description')}
                          placeholder={t('functions.parameters.descriptionExample')}
                          value={row.description}
                          readOnly={readOnly}
                          onChange={(event) => setRow(index, { description: event.currentTarget.value })}
                        />
                        {row.type === 'string' && (row.choices.length > 0 || !readOnly) && (
                          <TagsInput
                            style={{ flex: '2 1 10rem' }}
                            label={t('functions.parameters.choices')}
                            placeholder={row.choices.length === 0 ? t('functions.parameters.anyString') : undefined}
                            value={row.choices}
                            readOnly={readOnly}
                            onChange={(choices) => setRow(index, { choices })}
                          />
                        )}
                      </Group>
                    </Stack>
                  </Paper>
                )
              })}
              {!readOnly && (
                <div>
                  <Button
                    size="xs"
                    variant="default"
                    leftSection={<Plus size={14} aria-hidden />}
                    onClick={() => onChange({ ...value, rows: [...value.rows, newArgument()] })}
                  >
                    {t('functions.parameters.add')}
                  </Button>
                </div>
              )}
            </>
          )}
        </Stack>
      )}
    </Field>
  )
}
