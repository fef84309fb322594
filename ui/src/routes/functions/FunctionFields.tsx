import { NumberInput, Switch, Textarea, TextInput } from '@mantine/core'
import '@mantine/core/styles/NumberInput.layer.css'
import '@mantine/core/styles/Pill.layer.css'
import '@mantine/core/styles/PillsInput.layer.css'
import type { UseFormReturnType } from '@mantine/form'
import { field } from '../../components/Field'
import { useT } from '../../lib/i18n'
import { limits } from '../../lib/pb-types.gen'
import type { FunctionForm } from './form'
import { HeadersEditor } from './HeadersEditor'
import { ParametersEditor } from './ParametersEditor'

const max = limits.functions
// The same in every language.
const examples = { name: 'book_appointment', url: 'https://' }

/** A function's fields, on its own page or in a dialog. */
export function FunctionFields({ form, stored = false, readOnly = false }: {
  form: UseFormReturnType<FunctionForm>
  /** There are secret headers, which nobody can read back. */
  stored?: boolean | undefined
  readOnly?: boolean
}) {
  const t = useT()
  const text = (name: 'name' | 'description') => ({ ...field(form, name, max[name]), readOnly })
  return (
    <>
      <TextInput
        label={t('functions.name')}
        description={t('functions.nameHint')}
        placeholder={examples.name}
        autoCapitalize="off"
        spellCheck={false}
        {...text('name')}
      />
      <Textarea
        label={t('functions.description')}
        description={t('functions.descriptionHint')}
        placeholder={t('functions.descriptionExample')}
        autosize
        minRows={2}
        {...text('description')}
      />
      <ParametersEditor
        value={form.values.parameters}
        readOnly={readOnly}
        error={form.errors.parameters as string | undefined}
        onChange={(parameters) => form.setFieldValue('parameters', parameters)}
      />
      <TextInput
        type="url"
        label={t('functions.url')}
        description={t('functions.urlHint')}
        placeholder={examples.url}
        {...field(form, 'webhook_url')}
        readOnly={readOnly}
      />
      <HeadersEditor
        value={form.values.headers}
        stored={stored}
        readOnly={readOnly}
        error={form.errors.headers as string | undefined}
        onChange={(headers) => form.setFieldValue('headers', headers)}
      />
      <NumberInput
        label={t('functions.timeout')}
        description={t('functions.timeoutHint')}
        placeholder="10"
        suffix=" s"
        min={0.5}
        max={max.timeout_ms.max / 1000}
        step={1}
        decimalScale={1}
        styles={{ wrapper: { maxWidth: 260 } }}
        {...field(form, 'timeout_ms')}
        readOnly={readOnly}
      />
      <Switch
        label={t('functions.async')}
        description={t('functions.asyncHint')}
        disabled={readOnly}
        {...form.getInputProps('async', { type: 'checkbox' })}
      />
      <Switch
        label={t('functions.active')}
        description={t('functions.activeHint')}
        disabled={readOnly}
        {...form.getInputProps('is_active', { type: 'checkbox' })}
      />
    </>
  )
}
