import { afterEach, expect, test, vi } from 'vitest'
import { randomId } from './random'

afterEach(() => vi.unstubAllGlobals())

test('a random id is there on a page without https', () => {
  const real = crypto
  vi.stubGlobal('crypto', { getRandomValues: <T extends Uint32Array<ArrayBuffer>>(into: T) => real.getRandomValues(into) })
  const ids = new Set(Array.from({ length: 100 }, () => randomId()))
  expect(ids.size).toBe(100)
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{28}$/)
  expect(randomId(1)).toMatch(/^[0-9a-z]{7}$/)
})
