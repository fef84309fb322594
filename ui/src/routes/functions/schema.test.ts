import { describe, expect, test } from 'vitest'
import { newArgument, parseSchema, rowProblems, toRows, toSchema } from './schema'

const booking = {
  type: 'object',
  properties: {
    day: { type: 'string', description: 'The day, as YYYY-MM-DD', format: 'date' },
    service: { type: 'string', enum: ['cleaning', 'check-up'] },
    people: { type: 'integer', minimum: 1 },
    extras: { type: 'array', items: { type: 'string' } },
  },
  required: ['day', 'people'],
  additionalProperties: false,
}

describe('rows of a schema', () => {
  test('a schema comes back whole, with the keywords rows do not show', () => {
    expect(toSchema(toRows(booking)!)).toEqual(booking)
  })
  test('nothing stored is no rows, and no rows is an empty object schema', () => {
    for (const nothing of [null, undefined, '', {}]) expect(toRows(nothing)).toEqual({ rows: [], rest: {} })
    expect(toSchema({ rows: [], rest: {} })).toEqual({ type: 'object', properties: {} })
  })
  test('choices that are no texts survive', () => {
    const schema = { type: 'object', properties: { floor: { type: 'integer', enum: [1, 2] } } }
    expect(toSchema(toRows(schema)!)).toEqual(schema)
  })
  test('a type change drops choices that no longer fit', () => {
    const read = toRows({ type: 'object', properties: { a: { type: 'string', enum: ['x'] } } })!
    expect(toSchema({ ...read, rows: [{ ...read.rows[0]!, type: 'number' }] })).toEqual({ type: 'object', properties: { a: { type: 'number' } } })
  })
  test.each([
    [['a']], ['text'], [{ type: 'string' }], [{ type: 'object', properties: { a: { type: ['string', 'null'] } } }],
    [{ type: 'object', properties: { a: { $ref: '#/b' } } }], [{ type: 'object', properties: { a: true } }],
    [{ type: 'object', anyOf: [] }], [{ type: 'object', properties: {}, required: ['ghost'] }],
  ])('%o is edited as JSON', (schema) => {
    expect(toRows(schema)).toBeUndefined()
  })
  test('rows without a name are not saved', () => {
    expect(toSchema({ rows: [newArgument(), { ...newArgument(), name: ' day ', required: true }], rest: {} })).toEqual({ type: 'object', properties: { day: { type: 'string' } }, required: ['day'] })
  })
})

describe('rowProblems', () => {
  test('names what a model would not accept', () => {
    const rows = ['day', 'day', 'le jour', '', '1st'].map((name) => ({ ...newArgument(), name }))
    expect([...rowProblems(rows)]).toEqual([[1, 'twice'], [2, 'name'], [4, 'name']])
  })
  test('a description without a name is a row somebody wanted', () => {
    expect([...rowProblems([{ ...newArgument(), description: 'The day' }])]).toEqual([[0, 'name']])
  })
})

describe('parseSchema', () => {
  test.each([['{"type":"object"}', { type: 'object' }], ['[]', undefined], ['{', undefined], ['1', undefined]])('%s', (text, want) => {
    expect(parseSchema(text)).toEqual(want)
  })
})
