import type { UseFormReturnType } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { problem, type Problem } from './errors'
import { useT } from './i18n'

/**
 * Sends a form: field errors of the answer go under their inputs and the first one gets the focus; any other failure
 * comes back as `failure`, to be shown above the form.
 */
export function useSubmit<V extends Record<string, unknown>, R>(form: UseFormReturnType<V>, send: (values: V) => Promise<R>, done?: (result: R) => void) {
  const t = useT()
  const [failure, setFailure] = useState<Problem>()
  const mutation = useMutation({
    mutationFn: send,
    onMutate: () => setFailure(undefined),
    onSuccess: (result) => done?.(result),
    onError: (error) => {
      const found = problem(error, t)
      const known = Object.entries(found.fields).filter(([name]) => name in form.getValues())
      if (known.length > 0) {
        form.setErrors(Object.fromEntries(known))
        form.getInputNode(known[0]![0])?.focus()
      }
      // A field that is not on screen (another tab, a choice that was folded away) says it above the form.
      const unseen = known.filter(([name]) => !form.getInputNode(name)).map(([, reason]) => reason)
      if (known.length === 0 || known.length < Object.keys(found.fields).length) setFailure(found)
      else if (unseen.length === known.length) setFailure({ ...found, cause: unseen.join(' ') })
    },
  })
  const submit = form.onSubmit(
    (values) => mutation.mutate(values),
    (errors) => {
      const name = Object.keys(errors)[0]
      if (name) form.getInputNode(name)?.focus()
    },
  )
  return { submit, failure, busy: mutation.isPending, setFailure }
}
