import { ActionIcon, Anchor, Button, Group, Loader, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { UseFormReturnType } from '@mantine/form'
import { Phone, RotateCcw, SendHorizontal } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { ProblemAlert } from '../../components/States'
import { api } from '../../lib/api'
import { deskQuery } from '../../lib/desk'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { useOptions } from '../../lib/record'
import { useHere, useOrg } from '../../lib/session'
import { useRing } from '../calls/ring'
import { answeredFields, type AnsweredNumber } from './data'
import { draftOf, sayings, type AssistantForm } from './form'
import classes from './Try.module.css'

interface Turn {
  role: 'assistant' | 'user'
  content: string
}

// The server takes no more.
const TURNS = 40
const CHARACTERS = 2_000

/**
 * A conversation in writing with the assistant as it stands in the editor. It is inside the editor's form, so it has none of
 * its own.
 */
export function Try({ id, form }: { id: string; form: UseFormReturnType<AssistantForm> }) {
  const t = useT()
  const [turns, setTurns] = useState<Turn[]>([])
  const [typed, setTyped] = useState('')
  const end = useRef<HTMLDivElement>(null)
  const { first_message: greeting, language } = form.values
  const said: Turn[] = greeting.trim() ? [{ role: 'assistant', content: greeting }, ...turns] : turns
  const ask = useMutation({
    mutationFn: (messages: Turn[]) =>
      api.post<{ reply: string }>(`/api/assistants/${id}/try`, { draft: draftOf(form.getValues()), messages }),
    onSuccess: ({ reply }) => setTurns((all) => [...all, { role: 'assistant', content: reply || t('assistants.try.silent') }]),
  })
  const say = (words: string) => {
    const content = words.trim()
    if (!content || ask.isPending) return
    const mine: Turn = { role: 'user', content }
    setTyped('')
    setTurns([...turns, mine])
    ask.mutate([...said, mine].slice(-TURNS).map((one) => ({ ...one, content: one.content.slice(0, CHARACTERS) })))
  }
  // The end is followed: each line, and the wait for one.
  const lines = turns.length + Number(ask.isPending)
  useEffect(() => {
    if (lines > 0) end.current?.scrollTo({ top: end.current.scrollHeight })
  }, [lines])
  return (
    <Stack gap="sm" component="section" aria-label={t('assistants.try.title')}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Title order={2} size="h3">{t('assistants.try.title')}</Title>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={32}
          aria-label={t('assistants.try.again')}
          disabled={turns.length === 0}
          onClick={() => {
            setTurns([])
            ask.reset()
          }}
        >
          <RotateCcw size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <Text size="sm" c="dimmed">{t('assistants.try.text')}</Text>
      <div
        className={classes.said}
        ref={end}
        role="log"
        aria-label={t('assistants.try.said')}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keys
        tabIndex={0}
        lang={language || undefined}
      >
        {said.map((turn, index) => (
          <p key={index} className={classes.turn} data-role={turn.role}>{turn.content}</p>
        ))}
        {ask.isPending && <Loader size={16} type="dots" aria-label={t('states.loading')} />}
      </div>
      <ProblemAlert problem={ask.error ? problem(ask.error, t) : undefined} />
      {turns.length === 0 && (
        <Group gap={6}>
          {sayings[language.startsWith('fr') ? 'fr' : 'en'].map((one) => (
            <Button key={one} size="compact-sm" variant="default" fw={400} lang={language} onClick={() => say(one)}>
              {one}
            </Button>
          ))}
        </Group>
      )}
      <TextInput
        aria-label={t('assistants.try.you')}
        placeholder={t('assistants.try.you')}
        maxLength={CHARACTERS}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
          event.preventDefault() // the editor's form would be saved
          say(typed)
        }}
        rightSection={(
          <ActionIcon
            variant="subtle"
            aria-label={t('assistants.try.say')}
            disabled={!typed.trim() || ask.isPending}
            onClick={() => say(typed)}
          >
            <SendHorizontal size={16} aria-hidden />
          </ActionIcon>
        )}
      />
      <Heard id={id} dirty={form.isDirty()} />
    </Stack>
  )
}

/** How its voice is heard: by a call to its number. */
function Heard({ id, dirty }: { id: string; dirty: boolean }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const { data: desk } = useQuery(deskQuery)
  const { ring, waiting } = useRing()
  const numbers = useOptions<AnsweredNumber>(org, 'phone_numbers', answeredFields, 'friendly_name')
  const number = numbers.data?.find((one) => one.assistant === id && one.phone_number)
  if (!number) return null
  return (
    <Group gap="xs">
      {desk?.sandbox && can('calls.place') ? (
        <Button
          size="xs"
          variant="light"
          loading={waiting}
          leftSection={<Phone size={14} aria-hidden />}
          onClick={() => ring(number.id)}
        >
          {t('assistants.try.ring')}
        </Button>
      ) : (
        <Anchor size="sm" href={`tel:${number.phone_number}`} className="pl-tabular">
          {t('assistants.try.hear', { number: phone(number.phone_number) })}
        </Anchor>
      )}
      {dirty && <Text size="xs" c="dimmed">{t('assistants.try.savedOnly')}</Text>}
    </Group>
  )
}
