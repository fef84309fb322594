import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useT } from '../lib/i18n'
import { straight } from '../lib/strangers'
import type { Question } from './confirm'
import { Dialog } from './Dialog'

// A number is shown with spaces nobody can type, a name from right to left with marks that may be copied along.
const plain = (text: string) => straight(text).replace(/\s+/g, ' ').trim()

/** The dialog of `confirm`, loaded with the first question. */
export function ConfirmDialog({ question, close }: { question: Question; close: (yes: boolean) => void }) {
  const t = useT()
  const [typed, setTyped] = useState('')
  const ready = !question.typed || plain(typed) === plain(question.typed)
  // What Enter does at once: nothing that is dangerous.
  const first = question.typed ? 'typed' : question.danger ? 'cancel' : 'action'
  return (
    <Dialog onClose={() => close(false)} title={question.title}>
      <form onSubmit={(event) => {
        event.preventDefault()
        if (ready) close(true)
      }}>
        <Stack gap="md">
          <Text size="sm" component="div">{question.body}</Text>
          {question.typed && (
            <TextInput
              label={t('confirm.type', { text: question.typed })}
              value={typed}
              onChange={(e) => setTyped(e.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => close(false)} data-autofocus={first === 'cancel' || undefined}>
              {t('actions.cancel')}
            </Button>
            <Button
              type="submit"
              color={question.danger ? 'red' : undefined}
              disabled={!ready}
              data-autofocus={first === 'action' || undefined}
            >
              {question.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
