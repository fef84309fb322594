import { describe, expect, test } from 'vitest'
import {
  conversation, cues, heardLine, lineAt, lineTime, mergeLive, speakingAfter, type Line, type Speaking, type TimelineEvent,
} from './conversation'

const line = (position: number, content: string, role: Line['role'] = 'user', offset_ms = position - 1000): Line => ({ role, content, position, offset_ms })
const event = (position: number, type: TimelineEvent['type'], id = `e${position}`): TimelineEvent => ({ id, type, name: 'x', position, data: null })
const words = (lines: readonly Line[]) => lines.map((l) => l.content).join(' ')

describe('a call that runs', () => {
  test('heard lines follow the saved ones, each once, in order', () => {
    const saved = [line(1000, 'a'), line(2000, 'b', 'assistant')]
    const heard = [line(2000, 'b', 'assistant'), line(4000, 'd'), line(3000, 'c'), line(4000, 'd')]
    expect(words(mergeLive(saved, heard, false))).toBe('a b c d')
  })

  test('two people at the same moment are two lines', () => {
    expect(words(mergeLive([line(1000, 'a')], [line(1000, 'b', 'assistant')], false))).toBe('a b')
  })

  test('the reported transcript replaces what was heard', () => {
    expect(words(mergeLive([line(1003, 'A.')], [line(1000, 'a'), line(5000, 'late')], true))).toBe('A.')
  })

  test('a line is timed from the answer, like the clock beside it, until the recording has its place', () => {
    const said = line(9000, 'a', 'user', 8000)
    expect(lineTime(said, 7500, false)).toBe(1500)
    expect(lineTime(line(7400, 'early'), 7500, false)).toBe(0)
    expect(lineTime(said, 7500, true)).toBe(8000)
    expect(lineTime(said, undefined, false)).toBe(8000)
  })

  test('only complete lines of the topic are lines', () => {
    expect(heardLine({ type: 'line', role: 'user', content: 'hi', position: 5 })).toEqual({ role: 'user', content: 'hi', position: 5, offset_ms: 0 })
    for (const other of [null, 'x', {}, { type: 'status', status: 'ringing' }, { type: 'line', content: 'no place' }, { type: 'line', position: 4 }]) expect(heardLine(other)).toBeUndefined()
  })
})

const says = (role: string, status: string, position: number) => ({ type: 'speech', role, status, position })
const after = (...messages: unknown[]) => messages.reduce<Speaking>(speakingAfter, { at: 0 }).role

describe('who is speaking', () => {
  test('is who began last and has not stopped', () => {
    expect(after(says('user', 'started', 1))).toBe('user')
    expect(after(says('user', 'started', 1), says('user', 'stopped', 2))).toBeUndefined()
    expect(after(says('user', 'started', 1), says('user', 'stopped', 2), says('assistant', 'started', 3))).toBe('assistant')
  })

  test('is who interrupts, also when the other stops afterwards', () => {
    expect(after(says('assistant', 'started', 1), says('user', 'started', 2), says('assistant', 'stopped', 3))).toBe('user')
  })

  test('an older message that comes later, and one that is something else, change nothing', () => {
    expect(after(says('user', 'started', 5), says('user', 'stopped', 6), says('user', 'started', 5))).toBeUndefined()
    for (const other of [null, 'x', {}, says('system', 'started', 9), says('user', 'thinks', 9), { ...says('assistant', 'started', 9), position: '9' }])
      expect(after(says('user', 'started', 1), other)).toBe('user')
  })
})

describe('the conversation', () => {
  test('functions and transfers stand among the lines, states do not', () => {
    const entries = conversation([line(1000, 'a'), line(3000, 'b')], [event(3000, 'transfer'), event(2000, 'tool_call'), event(500, 'status'), event(900, 'recording')])
    expect(entries.map((e) => (e.kind === 'line' ? e.line.content : e.event.type))).toEqual(['a', 'tool_call', 'b', 'transfer'])
  })
})

describe('the highlight', () => {
  const offsets = [0, 1500, 1500, 4000]
  test.each([[-1, -1], [0, 0], [1499, 0], [1500, 2], [3999, 2], [4000, 3], [99_999, 3]])('at %i ms the line is %i', (ms, want) => {
    expect(lineAt(offsets, ms)).toBe(want)
  })

  test('before anything was said there is none', () => {
    expect(lineAt([], 10)).toBe(-1)
  })

  test('moves along the recording even where lines were written out of order', () => {
    const entries = conversation([line(1000, 'a', 'user', 900), line(2000, 'b', 'assistant', 300), line(2500, 'note', 'system', 400)], [event(1500, 'tool_call')])
    expect(cues(entries)).toEqual([{ index: 2, at: 300 }, { index: 0, at: 900 }])
  })
})
