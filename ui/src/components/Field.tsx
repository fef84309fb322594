import { Input } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useId, type ReactNode } from 'react'

/** What the generated `limits` say about one text field. */
export interface Limit {
  required?: boolean
  min?: number
  max?: number
}

/** Props of an input bound to a form: value, error, key, and what the collection asks of the field. */
export function field<V extends Record<string, unknown>>(
  form: UseFormReturnType<V>,
  name: keyof V & string,
  limit: Limit = {},
) {
  const props = form.getInputProps(name)
  return {
    key: form.key(name),
    ...props,
    // The library says it of every input but passwords.
    ...(props.error && { 'aria-invalid': true }),
    name,
    required: limit.required,
    ...(limit.max && { maxLength: limit.max }),
  }
}

/** Label, hint and error around a control that has none of its own (a segmented control, a group of cards). */
export function Field({ label, hint, error, required, children }: {
  label: string
  hint?: ReactNode
  error?: ReactNode
  required?: boolean
  children: (ids: { 'aria-labelledby': string; 'aria-describedby'?: string }) => ReactNode
}) {
  const id = useId()
  const described = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(' ')
  return (
    <Input.Wrapper
      label={label} labelElement="div" description={hint} error={error} required={required}
      labelProps={{ id: `${id}-label` }} descriptionProps={{ id: `${id}-hint` }} errorProps={{ id: `${id}-error` }}
    >
      {children({ 'aria-labelledby': `${id}-label`, ...(described && { 'aria-describedby': described }) })}
    </Input.Wrapper>
  )
}
