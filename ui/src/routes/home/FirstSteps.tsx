import { Button, Loader, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, PhoneCall } from 'lucide-react'
import type { ReactNode } from 'react'
import { CopyLine } from '../../components/CopyLine'
import { deskQuery } from '../../lib/desk'
import { useT } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { useRing } from '../calls/ring'
import { QuickAssistant } from '../assistants/QuickAssistant'
import { AssistantSelect } from '../numbers/AssistantSelect'
import { QuickNumber } from '../numbers/QuickNumber'
import type { AssistantChoice } from '../numbers/data'
import classes from './Home.module.css'
import type { PhoneLine } from './data'
import { stepNames, type StepName } from './steps'
import { useAnswerer } from '../numbers/useAnswerer'

/** From nothing to a phone that is answered, without leaving this page: who answers, the number, and the first call. */
export function FirstSteps({ now, assistants, lines }: {
  now: StepName
  assistants: readonly AssistantChoice[]
  lines: readonly PhoneLine[]
}) {
  const t = useT()
  const at = stepNames.indexOf(now)
  const line = lines.find((one) => one.assistant) ?? lines[0]
  const done: Record<StepName, string> = {
    assistant: line?.assistant_name || assistants[0]?.name || '',
    number: line ? phone(line.phone_number) || t('home.steps.onItsWay') : '',
    call: '',
  }
  const inside: Record<StepName, ReactNode> = {
    assistant: <QuickAssistant />,
    number: <QuickNumber />,
    call: line && <FirstCall line={line} />,
  }
  return (
    <Paper withBorder className={classes.block} component="section" aria-label={t('home.steps.title')}>
      <Stack gap={2} mb="md">
        <Title order={2} size="h3">{t('home.steps.title')}</Title>
        <Text size="sm" c="dimmed">{t('home.steps.text')}</Text>
      </Stack>
      <ol className={classes.steps}>
        {stepNames.map((name, index) => (
          <li
            key={name}
            className={classes.step}
            data-state={index < at ? 'done' : index === at ? 'now' : 'later'}
            aria-current={index === at ? 'step' : undefined}
          >
            <span className={classes.mark} aria-hidden>{index < at ? <CircleCheck size={22} /> : index + 1}</span>
            <div className={classes.grow}>
              <Text fw={600} component="h3">{t(`home.steps.${name}.title`)}</Text>
              {index < at
                ? <Text size="sm" c="dimmed" className="pl-tabular"><bdi>{done[name]}</bdi></Text>
                : <Text size="sm" c="dimmed">{t(`home.steps.${name}.text`)}</Text>}
              {index === at && <div className={classes.inside}>{inside[name]}</div>}
            </div>
          </li>
        ))}
      </ol>
    </Paper>
  )
}

/** The proof: somebody calls, and this page hears it. */
function FirstCall({ line }: { line: PhoneLine }) {
  const t = useT()
  const { data: desk } = useQuery(deskQuery)
  const { ring, waiting, late } = useRing()
  const answer = useAnswerer(line)
  if (!line.assistant)
    return (
      <AssistantSelect
        label={t('numbers.answeredBy')}
        styles={{ wrapper: { maxWidth: 360 } }}
        value={null}
        onChange={(id) => answer.mutate(id ?? '')}
      />
    )
  if (!line.phone_number || line.reason === 'not_synced')
    return (
      <Text size="sm" role="status" className={classes.waiting}>
        <Loader size={16} aria-hidden />
        {t('home.steps.connecting')}
      </Text>
    )
  if (desk?.sandbox)
    return (
      <Stack gap="xs" align="flex-start">
        <Button leftSection={<PhoneCall size={16} aria-hidden />} loading={waiting} onClick={() => ring(line.id)}>
          {t('home.steps.ring')}
        </Button>
        {late && <Text size="sm" role="status">{t('calls.simulate.late')}</Text>}
      </Stack>
    )
  return (
    <Stack gap="xs">
      <CopyLine label={t('home.steps.ringThis')} value={phone(line.phone_number)} />
      <Text size="sm" role="status" className={classes.waiting}>
        <Loader size={16} aria-hidden />
        {t('home.steps.listening')}
      </Text>
    </Stack>
  )
}
