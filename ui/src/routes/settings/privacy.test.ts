import { expect, it } from 'vitest'
import type { T } from '../../lib/i18n'
import { archiveName, whose, countsOf } from './privacy'

const t = ((key: string, values?: Record<string, string>) => [key, ...Object.values(values ?? {})].join(' ')) as T

it('says of a hidden number that it was hidden, and of others how they end', () => {
  expect(['anonymous', 'private', '…70', ''].map((hint) => whose(hint, t))).toEqual([
    'settings.privacy.hidden', 'settings.privacy.hidden', 'settings.privacy.ends 70', '–',
  ])
})

it('names an archive by what there is of a number', () => {
  expect(['+1 202 555 0170', '12', 'anonymous'].map(archiveName)).toEqual(['caller-0170.zip', 'caller-12.zip', 'caller.zip'])
})

it('a certificate is read by its counts, in an order for people', () => {
  expect(countsOf({ contacts: 1, calls: 2, kept: 'usage', subject: '…42', odd: 3, outbox: 0 })).toEqual([{ name: 'calls', count: 2 }, { name: 'contacts', count: 1 }])
  expect([countsOf(null), countsOf('x')]).toEqual([[], []])
})
