import { Anchor, Button, Group, Paper, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, PhoneOutgoing } from 'lucide-react'
import { Suspense } from 'react'
import { useT } from '../../lib/i18n'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { canBeCalled, type CallItem } from '../calls/data'
import { PlaceCall } from '../calls/dialogs'
import { useDone } from '../calls/done'
import { useCallBack } from '../calls/useCallBack'
import { whoOf } from '../calls/words'
import { homeQuery, type Work } from './data'
import classes from './Home.module.css'
import { Sentence } from './Sentence'

/** Calls somebody has to do something about, and what can be done, in place. Nothing to do is nothing to read. */
export function WorkList({ kind, work }: { kind: 'callbacks' | 'open'; work: Work }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const back = useCallBack<CallItem>()
  const queries = useQueryClient()
  const { done, busyWith } = useDone((call) => queries.setQueryData(homeQuery(org).queryKey, (old) => old && {
    ...old, [kind]: { count: old[kind].count - 1, items: old[kind].items.filter(({ id }) => id !== call.id) },
  }))
  if (work.count === 0) return null
  const may = can('calls.place')
  return (
    <Paper withBorder className={classes.block} component="section">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h3">{t(`home.${kind}.title`, { count: work.count })}</Title>
        {kind === 'open' && (
          <Anchor component={Link} to={areaPath(org, 'calls')} search={{ resolution_status: 'pending' } as never} size="sm">
            {t('home.open.all')}
          </Anchor>
        )}
      </Group>
      <ul className={classes.calls}>
        {work.items.map((call) => (
          <Sentence
            key={call.id}
            call={call}
            actions={may && (
              <>
                {kind === 'callbacks' && canBeCalled(call) && (
                  <Button
                    size="xs"
                    variant="light"
                    leftSection={<PhoneOutgoing size={14} aria-hidden />}
                    aria-label={t('calls.callBackOf', { name: whoOf(call, t) })}
                    loading={back.looking(call)}
                    onClick={() => back.start(call)}
                  >
                    {t('calls.callBack')}
                  </Button>
                )}
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<Check size={14} aria-hidden />}
                  aria-label={t('calls.doneOf', { name: whoOf(call, t) })}
                  loading={busyWith === call.id}
                  onClick={() => done(call)}
                >
                  {t('calls.done')}
                </Button>
              </>
            )}
          />
        ))}
      </ul>
      <Suspense>
        {back.calling && (
          <PlaceCall
            to={back.calling.to}
            name={back.calling.call.contact_name}
            by={back.calling.call.assistant}
            from={back.calling.call.phone_number}
            onClose={back.end}
          />
        )}
      </Suspense>
    </Paper>
  )
}
