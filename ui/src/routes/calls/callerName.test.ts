import { expect, test } from 'vitest'
import { callerName } from './callerName'

test.each([
  ['a field of the analysis', { structured_data: { intent: 'booking', callerName: 'Priya Raman' } }, [], 'Priya Raman'],
  ['a field inside another', { structured_data: { customer: { full_name: 'Olu Ade' } } }, [], 'Olu Ade'],
  ['an output', { structured_outputs: { o1: { name: 'Caller name', result: 'Ana Cruz' } } }, [], 'Ana Cruz'],
  ['what the caller said', null, [
    { role: 'assistant', content: 'My name is Julia.' },
    { role: 'user', content: 'Hi, my name is Priya Raman and I need an appointment.' },
  ], 'Priya Raman'],
  ['the same in French', null, [{ role: 'user', content: 'Bonjour, je m’appelle Élise Le Goff.' }], 'Élise Le Goff'],
] as const)('the name is taken from %s', (_, findings, lines, name) => {
  expect(callerName(findings, lines as never)).toBe(name)
})

test.each([
  ['nothing', null, []],
  ['the name of something else', { structured_data: { product_name: 'Crown 2', company_name: 'Harbour' } }, []],
  ['a number in the field', { structured_data: { name: '+14155550142' } }, []],
  ['small words', null, [{ role: 'user', content: 'my name is not important' }]],
] as const)('no name is made of %s', (_, findings, lines) => {
  expect(callerName(findings, lines as never)).toBe('')
})
