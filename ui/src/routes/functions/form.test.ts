import { describe, expect, test } from 'vitest'
import type { FunctionDetail } from './data'
import { functionProblems, openParameters, schemaOf, switchView, toFunctionBody, toFunctionForm } from './form'
import { newArgument } from './schema'

const stored: FunctionDetail = {
  id: 'f', name: 'book', description: 'Books', parameters: { type: 'object', properties: { day: { type: 'string' } } }, webhook_url: 'https://hooks.example.com/book',
  timeout_ms: 10_000, async: false, is_active: true, sync_status: 'synced', sync_error: '', headers_set: true,
}

describe('the form of a function', () => {
  test('an unchanged form sends nothing, secret headers included', () => {
    expect(toFunctionBody(toFunctionForm(stored), toFunctionForm(stored))).toEqual({})
  })
  test('headers go out only when they were replaced, and an empty list removes them', () => {
    const base = toFunctionForm(stored)
    expect(toFunctionBody({ ...base, headers: [{ name: ' X-Key ', value: 'a b' }, { name: '', value: '' }] }, base)).toEqual({ headers: { 'X-Key': 'a b' } })
    expect(toFunctionBody({ ...base, headers: [] }, base)).toEqual({ headers: {} })
  })
  test('a new function sends all it has, milliseconds for seconds', () => {
    const form = { ...toFunctionForm(), name: 'price', timeout_ms: 2.5 }
    expect(toFunctionBody(form)).toEqual({ name: 'price', description: '', parameters: { type: 'object', properties: {} }, webhook_url: '', headers: {}, timeout_ms: 2500, async: false, is_active: true })
  })
  test('the same arguments in the other view are no change', () => {
    const base = toFunctionForm(stored)
    expect(toFunctionBody({ ...base, parameters: switchView(base.parameters)! }, base)).toEqual({})
  })
})

describe('opening a schema', () => {
  test('gives the same form whatever the order of its keys', () => {
    const text = { type: 'string' }
    const one = openParameters({ type: 'object', properties: { b: text, a: text, z: text }, required: ['z'] })
    expect(one).toEqual(openParameters({ required: ['z'], properties: { z: text, a: text, b: text }, type: 'object' }))
    expect(one.rows.map((row) => row.name)).toEqual(['z', 'a', 'b'])
  })
})

describe('switching the view', () => {
  test('there and back loses nothing', () => {
    const rows = openParameters(stored.parameters)
    expect(schemaOf(switchView(switchView(rows)!)!)).toEqual(stored.parameters)
  })
  test('JSON that rows cannot show stays JSON', () => {
    const nested = openParameters({ type: 'object', properties: { a: { $ref: '#/b' } } })
    expect(nested.view).toBe('json')
    expect(switchView(nested)).toBeUndefined()
    expect(switchView({ ...nested, text: '{' })).toBeUndefined()
  })
})

describe('functionProblems', () => {
  const good = toFunctionForm(stored)
  test.each([
    [{}, {}],
    [{ name: ' ' }, { name: 'required' }],
    [{ name: 'prendre rdv' }, { name: 'name' }],
    [{ webhook_url: 'hooks.example.com' }, { webhook_url: 'address' }],
    [{ parameters: { ...good.parameters, view: 'json' as const, text: '[' } }, { parameters: 'json' }],
    [{ parameters: { ...good.parameters, rows: [{ ...newArgument(), name: 'two words' }] } }, { parameters: 'rows' }],
    [{ headers: [{ name: '', value: 'secret' }] }, { headers: 'headers' }],
  ])('%o', (change, want) => {
    expect(functionProblems({ ...good, ...change })).toEqual(want)
  })
})
