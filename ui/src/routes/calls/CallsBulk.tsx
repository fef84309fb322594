import { Button, Menu } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, Download, Flag } from 'lucide-react'
import { failed, undoable } from '../../components/toast'
import { saveBlob } from '../../lib/api'
import { csv } from '../../lib/csv'
import { problem } from '../../lib/errors'
import { parseDate } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { useHere, useOrg } from '../../lib/session'
import { callsKey, otherEnd, type CallItem } from './data'
import { priorities } from './filters'
import type { Noted } from './followUp'
import { aboutOf, cameTo, whoOf } from './words'

// Each call is a change of its own, with its own hooks: so many are asked for at once.
const ABREAST = 4

type Change = Partial<Omit<Noted, 'notes'>>

/** Changes calls one by one. What is refused does not hold back the others: the first refusal is told. */
async function changeAll(calls: readonly CallItem[], valuesOf: (call: CallItem) => Change): Promise<CallItem[]> {
  const queue = [...calls]
  const done: CallItem[] = []
  let refused: unknown
  const work = async () => {
    for (let call = queue.shift(); call; call = queue.shift()) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- a few at once, not all
        await pb.collection('calls').update(call.id, valuesOf(call), { fields: 'id' })
        done.push(call)
      } catch (error) {
        refused ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, work))
  if (refused !== undefined && done.length === 0) throw refused
  return done
}

/** What can be done with several calls: done, how urgent, and as a file. */
export function CallsBulk({ calls, onDone }: { calls: CallItem[]; onDone: () => void }) {
  const t = useT()
  const org = useOrg()
  const queries = useQueryClient()
  const { can } = useHere()
  const change = useMutation({
    mutationFn: ({ of, valuesOf }: { of: readonly CallItem[]; valuesOf: (call: CallItem) => Change; undo?: true }) =>
      changeAll(of, valuesOf),
    onSuccess: (done, { undo }) => {
      if (undo) return
      onDone()
      undoable(t('calls.bulk.changed', { count: done.length }), () => change.mutate({ of: done, undo: true, valuesOf: before }))
    },
    onError: (error) => failed(problem(error, t)),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: [org, 'calls'] }),
        queries.invalidateQueries({ queryKey: callsKey(org) }),
      ]),
  })
  const set = (values: Change) => change.mutate({ of: calls, valuesOf: () => values })
  const file = () => saveBlob(csv([
    [t('calls.columns.who'), t('calls.facts.from'), t('calls.columns.when'), t('calls.columns.outcome'), t('calls.columns.about')],
    ...calls.map((call) => [
      whoOf(call, t), otherEnd(call), parseDate(call.started_at)?.toISOString() ?? '', t(`calls.outcome.${cameTo(call)}`),
      aboutOf(call, t),
    ]),
  ]), `${t('nav.calls')}.csv`)
  const may = can('calls.place')
  return (
    <>
      {may && (
        <Button
          size="xs"
          leftSection={<Check size={14} aria-hidden />}
          loading={change.isPending}
          onClick={() => set({ resolution_status: 'resolved' })}
        >
          {t('calls.done')}
        </Button>
      )}
      {may && (
        <Menu position="top-start">
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<Flag size={14} aria-hidden />} disabled={change.isPending}>
              {t('calls.priority')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {priorities.map((priority) => (
              <Menu.Item key={priority} onClick={() => set({ priority })}>{t(`calls.priorities.${priority}`)}</Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      <Button size="xs" variant="default" leftSection={<Download size={14} aria-hidden />} onClick={file}>
        {t('calls.csv')}
      </Button>
    </>
  )
}

const before = ({ resolution_status, priority }: CallItem): Change => ({
  resolution_status: resolution_status || 'pending', ...(priority && { priority }),
})
