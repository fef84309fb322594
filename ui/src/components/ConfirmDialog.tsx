import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useT } from '../lib/i18n'
import type { Question } from './confirm'

/** The dialog of `confirm`, loaded with the first question. */
export function ConfirmDialog({ question, close }: { question: Question; close: (yes: boolean) => void }) {
  const t = useT()
  const [typed, setTyped] = useState('')
  const ready = !question.typed || typed.trim() === question.typed
  return (
    <Modal opened onClose={() => close(false)} title={question.title} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      <form onSubmit={(event) => {
        event.preventDefault()
        if (ready) close(true)
      }}>
        <Stack gap="md">
          <Text size="sm" component="div">{question.body}</Text>
          {question.typed && (
            <TextInput label={t('confirm.type', { text: question.typed })} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autoComplete="off" data-autofocus />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => close(false)}>{t('actions.cancel')}</Button>
            <Button type="submit" color={question.danger ? 'red' : undefined} disabled={!ready} data-autofocus={question.typed ? undefined : true}>{question.action}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
