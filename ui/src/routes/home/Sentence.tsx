import { Anchor, Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { When } from '../../components/When'
import { useT } from '../../lib/i18n'
import { areaPath, useOrg } from '../../lib/session'
import type { CallItem } from '../calls/data'
import { aboutOf, CallBadge, TestBadge, whoOf } from '../calls/words'
import classes from './Home.module.css'

/** A call as a sentence: who, what about, what became of it, when; and what can be done about it. */
export function Sentence({ call, actions }: { call: CallItem; actions?: ReactNode }) {
  const t = useT()
  const org = useOrg()
  return (
    <li className={classes.call}>
      <div className={classes.grow}>
        <Text size="sm" className="pl-wrap">
          <Anchor component={Link} to={areaPath(org, `calls/${call.id}`)} fw={600} inherit c="inherit" className={classes.name}><bdi>{whoOf(call, t)}</bdi></Anchor>
          {/* Of a call that was not placed, the sentence below says it all. */}
          {!call.placing && <Text span c="dimmed">{' '}{t(call.call_type === 'outbound' ? 'home.wasCalled' : 'home.called')}</Text>}
        </Text>
        <Text size="sm" lineClamp={call.summary ? 2 : undefined} className="pl-wrap">{aboutOf(call, t)}</Text>
      </div>
      <div className={classes.side}>
        <Text size="xs" c="dimmed"><When value={call.started_at} /></Text>
        <Group gap={4} wrap="nowrap">{call.is_test && <TestBadge />}<CallBadge call={call} /></Group>
      </div>
      {actions && <div className={classes.actions}>{actions}</div>}
    </li>
  )
}
