import { describe, expect, test } from 'vitest'
import { changed, rebase, same } from './rebase'

const base = { name: 'Ava', prompt: 'old', functions: ['a'] }

describe('same', () => {
  test('the order of keys is no difference, the order of a list is', () => {
    expect([same({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }), same([1, 2], [2, 1]), same(undefined, null)]).toEqual([true, false, false])
  })
})

describe('changed', () => {
  test('holds only what differs, lists by content', () => {
    expect(changed(base, { name: 'Ava', prompt: 'new', functions: ['a'] })).toEqual({ prompt: 'new' })
    expect(changed(base, { ...base, functions: [] })).toEqual({ functions: [] })
  })
})

describe('rebase', () => {
  test('takes over what only others changed', () => {
    expect(rebase(base, { ...base, prompt: 'mine' }, { ...base, name: 'Bea' })).toEqual({ values: { name: 'Bea', prompt: 'mine', functions: ['a'] }, conflicts: [] })
  })
  test('keeps what was typed where both changed, and says so', () => {
    expect(rebase(base, { ...base, prompt: 'mine' }, { ...base, prompt: 'theirs' })).toEqual({ values: { ...base, prompt: 'mine' }, conflicts: ['prompt'] })
  })
  test('the same change twice is no conflict', () => {
    expect(rebase(base, { ...base, functions: ['a', 'b'] }, { ...base, functions: ['a', 'b'] }).conflicts).toEqual([])
  })
})
