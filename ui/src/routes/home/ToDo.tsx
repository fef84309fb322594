import { Anchor, Button, Group, Paper, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, PhoneOutgoing } from 'lucide-react'
import { Suspense, useState } from 'react'
import { failed, undoable } from '../../components/toast'
import { problem } from '../../lib/errors'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { isPhone } from '../../lib/phone'
import { areaPath, useHere, useOrg } from '../../lib/session'
import { callsKey, otherEnd, type CallItem } from '../calls/data'
import { PlaceCall } from '../calls/dialogs'
import { whoOf } from '../calls/words'
import { homeQuery, type Work } from './data'
import classes from './Home.module.css'
import { Sentence } from './Sentence'

/** Calls somebody has to do something about, and what can be done, in place. Nothing to do is nothing to read. */
export function ToDo({ kind, work }: { kind: 'callbacks' | 'open'; work: Work }) {
  const t = useT()
  const org = useOrg()
  const { can } = useHere()
  const [calling, setCalling] = useState<CallItem>()
  const settle = useSettle(kind)
  if (work.count === 0) return null
  const may = can('calls.place')
  return (
    <Paper withBorder className={classes.block} component="section">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h3">{t(`home.${kind}.title`, { count: work.count })}</Title>
        {kind === 'open' && (
          <Anchor component={Link} to={areaPath(org, 'calls')} search={{ resolution: 'pending' } as never} size="sm">
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
                {kind === 'callbacks' && isPhone(otherEnd(call)) && (
                  <Button
                    size="xs"
                    variant="light"
                    leftSection={<PhoneOutgoing size={14} aria-hidden />}
                    aria-label={t('home.callBackOf', { name: whoOf(call, t) })}
                    onClick={() => setCalling(call)}
                  >
                    {t('calls.callBack')}
                  </Button>
                )}
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<Check size={14} aria-hidden />}
                  aria-label={t('home.doneOf', { name: whoOf(call, t) })}
                  loading={settle.isPending && settle.variables.call.id === call.id}
                  onClick={() => settle.mutate({ call, to: 'resolved' })}
                >
                  {t('home.done')}
                </Button>
              </>
            )}
          />
        ))}
      </ul>
      <Suspense>
        {calling && (
          <PlaceCall
            to={otherEnd(calling)}
            name={calling.contact_name}
            by={calling.assistant}
            from={calling.phone_number}
            onClose={() => setCalling(undefined)}
          />
        )}
      </Suspense>
    </Paper>
  )
}

interface Change {
  call: CallItem
  to: CallItem['resolution_status']
  undo?: boolean
}

/** Says of a call that it is done: it leaves the list at once, and can be taken back. */
function useSettle(kind: 'callbacks' | 'open') {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const key = homeQuery(org).queryKey
  const settle = useMutation({
    mutationFn: ({ call, to }: Change) => pb.collection('calls').update(call.id, { resolution_status: to }, { fields: 'id' }),
    onSuccess: (_, { call, undo }) => {
      if (undo) return
      queries.setQueryData(key, (old) => old && {
        ...old, [kind]: { count: old[kind].count - 1, items: old[kind].items.filter(({ id }) => id !== call.id) },
      })
      undoable(t('home.isDone', { name: whoOf(call, t) }), () => settle.mutate({ call, to: call.resolution_status, undo: true }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () => Promise.all([
      queries.invalidateQueries({ queryKey: [org, 'calls'] }),
      queries.invalidateQueries({ queryKey: callsKey(org) }),
    ]),
  })
  return settle
}
