import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api'
import { pb } from '../../lib/pb'
import type { CallsRecord, RecordingsRecord } from '../../lib/pb-types.gen'
import { isHidden, isPhone } from '../../lib/phone'
import { straight } from '../../lib/strangers'
import type { Spoken } from '../assistants/form'
import type { Findings } from './analysis'
import type { Line, TimelineEvent } from './conversation'

/** A row of the server's list of calls. */
export type CallItem = Pick<CallsRecord,
  'id' | 'vapi_call_id' | 'status' | 'outcome' | 'call_type' | 'channel' | 'caller_number' | 'recipient_number' | 'contact' | 'assistant' | 'phone_number' |
  'started_at' | 'answered_at' | 'ended_at' | 'duration_seconds' | 'cost_micros' | 'ended_reason' | 'summary' | 'resolution_status' | 'sentiment' | 'priority' |
  'transferred_to' | 'placing' | 'is_test' | 'has_recording' | 'answered' | 'missed'> & {
    /** Where a search matched, the words between ‹ and ›. */
    snippet?: string
    /** The contact's name, '' when nobody knows it. */
    contact_name: string
  }

interface CallsPage {
  items: CallItem[]
  next: string
}

export const PAGE = 40

const page = async (organization: string, query: Record<string, string | number>, signal: AbortSignal) =>
  straight(await api.get<CallsPage>(`/api/organizations/${organization}/calls`, { query, signal }))

/** The key of the lists of calls. */
export const callsKey = (organization: string) => [organization, 'calls-list'] as const

/** The first page alone. */
export const firstPage = async (organization: string, query: Record<string, string>, signal: AbortSignal) => (await page(organization, { ...query, limit: PAGE }, signal)).items

/** The filtered calls, a page at a time. */
export const callsQuery = (organization: string, query: Record<string, string>) =>
  infiniteQueryOptions({
    // Not under 'calls': a long list is not asked for again page by page at each change, see useCalls.
    queryKey: [...callsKey(organization), query] as const,
    initialPageParam: '',
    getNextPageParam: (last: CallsPage) => last.next || undefined,
    queryFn: ({ pageParam, signal }) => page(organization, { ...query, limit: PAGE, ...(pageParam && { after: pageParam }) }, signal),
  })

/** The first calls that match, for places that show a few. */
export const someCallsQuery = (organization: string, query: Record<string, string>, limit: number) =>
  queryOptions({
    queryKey: [organization, 'calls', 'some', query, limit],
    queryFn: async ({ signal }) => (await page(organization, { ...query, limit }, signal)).items,
    meta: { collections: ['contacts'] },
  })

export interface CallDetail extends CallsRecord {
  expand?: {
    contact?: { id: string; name: string; phone_number: string }
    assistant?: { id: string; name: string } & Spoken
    phone_number?: { id: string; phone_number: string; friendly_name: string }
  }
}

export const callQuery = (organization: string, id: string) =>
  queryOptions({
    queryKey: [organization, 'calls', id, 'call'],
    queryFn: async ({ signal }) => straight(await pb.collection('calls').getOne<CallDetail>(id, {
      expand: 'contact,assistant,phone_number',
      fields: '*,expand.contact.id,expand.contact.name,expand.contact.phone_number,expand.assistant.id,expand.assistant.name,expand.assistant.first_message,expand.assistant.end_call_message,' +
        'expand.assistant.voicemail_message,' +
        'expand.phone_number.id,expand.phone_number.phone_number,expand.phone_number.friendly_name',
      signal,
    })),
    meta: { collections: ['contacts'] },
  })

// The most the server gives at once.
const LINES = 200

export const linesQuery = (organization: string, id: string) =>
  queryOptions({
    queryKey: [organization, 'calls', id, 'lines'],
    queryFn: async ({ signal }) => {
      const lines: (Line & { id: string })[] = []
      for (let last = { id: '', position: 0 }; ;) {
        // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
        const { items } = await pb.collection('messages').getList<Line & { id: string }>(1, LINES, {
          filter: pb.filter('call = {:call} && (position > {:position} || (position = {:position} && id > {:id}))', { call: id, ...last }), sort: 'position,id',
          fields: 'id,role,content,position,offset_ms,from_person', skipTotal: true, signal, query: { organization },
        })
        lines.push(...straight(items))
        if (items.length < LINES) return lines
        last = { id: items.at(-1)!.id, position: items.at(-1)!.position }
      }
    },
  })

export const eventsQuery = (organization: string, id: string) =>
  queryOptions({
    queryKey: [organization, 'calls', id, 'events'],
    queryFn: async ({ signal }) => straight((await pb.collection('call_events').getList<TimelineEvent>(1, LINES, {
      filter: pb.filter('call = {:id}', { id }), sort: 'position', fields: 'id,type,name,position,data', skipTotal: true, signal, query: { organization },
    })).items),
  })

export type RecordingFacts = Pick<RecordingsRecord, 'id' | 'status' | 'duration_ms' | 'error' | 'mime_type' | 'size_bytes'> & {
  peaks: { left?: number[]; right?: number[] | null } | null
}

/** The recording's facts and waveform; null when none is expected. */
export const recordingQuery = (organization: string, id: string) =>
  queryOptions({
    queryKey: [organization, 'calls', id, 'recording'],
    queryFn: async ({ signal }) => (await pb.collection('recordings').getList<RecordingFacts>(1, 1, {
      filter: pb.filter('call = {:id}', { id }), fields: 'id,status,duration_ms,error,mime_type,size_bytes,peaks', skipTotal: true, signal, query: { organization },
    })).items[0] ?? null,
    meta: { collections: ['recordings'] },
  })

export interface Report {
  id: string
  costs: { breakdown?: Record<string, number>; items?: unknown } | null
  performance: Record<string, unknown> | null
  analysis: Findings | null
}

/** What the provider's report adds: costs, latencies, analysis. The transcript is read line by line instead. */
export const reportQuery = (organization: string, id: string) =>
  queryOptions({
    queryKey: [organization, 'calls', id, 'report'],
    queryFn: async ({ signal }) => straight((await pb.collection('call_reports').getList<Report>(1, 1, {
      filter: pb.filter('call = {:id}', { id }), fields: 'id,costs,performance,analysis', skipTotal: true, signal, query: { organization },
    })).items[0] ?? null),
  })

export interface Choice {
  id: string
  name: string
}

export interface NumberChoice extends Choice {
  phone_number: string
  assistant: string
  vapi_phone_id: string
}

// An organization with more than this many of either searches for them on their own pages.
const CHOICES = 200

export const assistantsQuery = (organization: string) =>
  queryOptions({
    queryKey: [organization, 'assistants', 'names'],
    queryFn: async ({ signal }) => (await pb.collection('assistants').getList<Choice & { first_message: string; vapi_assistant_id: string }>(1, CHOICES, {
      filter: pb.filter('organization = {:organization}', { organization }), sort: 'name', fields: 'id,name,first_message,vapi_assistant_id', skipTotal: true, signal,
    })).items,
  })

export const numbersQuery = (organization: string) =>
  queryOptions({
    queryKey: [organization, 'phone_numbers', 'names'],
    queryFn: async ({ signal }) => (await pb.collection('phone_numbers').getList<Omit<NumberChoice, 'name'> & { friendly_name: string }>(1, CHOICES, {
      filter: pb.filter('organization = {:organization}', { organization }), sort: 'phone_number', fields: 'id,phone_number,friendly_name,assistant,vapi_phone_id', skipTotal: true, signal,
    })).items.map(({ friendly_name, ...number }): NumberChoice => ({ ...number, name: friendly_name })),
  })

const liveStatuses = new Set<string>(['queued', 'ringing', 'in_progress', 'forwarding'])

export function isLive(call: Pick<CallItem, 'status'>): boolean {
  return liveStatuses.has(call.status)
}

/** Reports whether the server kept a number from this person: it is none, and nothing is found by it. */
export const isMasked = (text: string): boolean => text.includes('•')

/** Reports whether somebody who may can call the other end back. */
export const canBeCalled = (call: Parameters<typeof otherEnd>[0]): boolean =>
  isPhone(otherEnd(call)) || isMasked(otherEnd(call))

/** The number at the other end, of one that is masked the real one: the server tells it to who may call back, and notes it. */
export async function numberOf(organization: string, call: Parameters<typeof otherEnd>[0] & { id: string }): Promise<string> {
  if (!isMasked(otherEnd(call))) return otherEnd(call)
  const numbers = await api.get<Pick<CallsRecord, 'caller_number' | 'recipient_number'>>(
    `/api/organizations/${organization}/calls/${call.id}/numbers`,
  )
  return otherEnd({ ...call, ...numbers })
}

/** The number or address at the other end of a call; '' when the caller hid it. */
export function otherEnd(call: Pick<CallItem, 'call_type' | 'caller_number' | 'recipient_number'>): string {
  const text = call.call_type === 'outbound' ? call.recipient_number : call.caller_number
  return isHidden(text) ? '' : text
}
