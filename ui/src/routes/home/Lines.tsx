import { Anchor, Group, Paper, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import { useT } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { AssistantSelect } from '../numbers/AssistantSelect'
import { useAnswerer } from '../numbers/useAnswerer'
import type { PhoneLine } from './data'
import classes from './Home.module.css'

/** Which number is answered by whom: chosen here. */
export function Lines({ lines }: { lines: readonly PhoneLine[] }) {
  const t = useT()
  const org = useOrg()
  return (
    <Paper withBorder className={classes.block} component="section">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h3">{t('home.lines.title')}</Title>
        <Anchor component={Link} to={areaPath(org, 'numbers')} size="sm">{t('home.lines.all')}</Anchor>
      </Group>
      <ul className={classes.calls}>
        {lines.map((line) => <Line key={line.id} line={line} />)}
      </ul>
    </Paper>
  )
}

function Line({ line }: { line: PhoneLine }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const answer = useAnswerer(line)
  const title = phone(line.phone_number) || line.name || t('numbers.pendingNumber')
  return (
    <li className={classes.line}>
      <div className={classes.grow}>
        <Anchor component={Link} to={areaPath(org, `numbers/${line.id}`)} size="sm" fw={600} className="pl-tabular">
          <bdi>{title}</bdi>
        </Anchor>
        {line.phone_number && line.name && <Text size="sm" c="dimmed"><bdi>{line.name}</bdi></Text>}
        {line.reason && line.reason !== 'no_assistant' && (
          <Text size="sm" className={classes.waiting}>
            <TriangleAlert size={14} aria-hidden />
            {t(`home.reason.${line.reason}`)}
          </Text>
        )}
      </div>
      {can('numbers.manage') ? (
        <div className={classes.answerer}>
          <AssistantSelect
            size="xs"
            // Mounted closed, each list is measured as soon as the page is drawn.
            comboboxProps={{ keepMounted: false }}
            aria-label={t('numbers.answererOf', { number: title })}
            value={(answer.isPending ? answer.variables : line.assistant) || null}
            onChange={(id) => answer.mutate(id ?? '')}
          />
        </div>
      ) : (
        <Text size="sm" c={line.assistant ? undefined : 'dimmed'}><bdi>{line.assistant_name || t('numbers.nobody')}</bdi></Text>
      )}
    </li>
  )
}
