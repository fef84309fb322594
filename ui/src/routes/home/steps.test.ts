import { expect, test } from 'vitest'
import { isUnderWay, nextStep } from './steps'

const line = { id: 'n', phone_number: '+14155550100', name: '', assistant: 'a', assistant_name: 'Mia', reason: '' } as const

test('an assistant comes first, then a number, then a call; after that there are no steps', () => {
  expect(nextStep({ assistants: 0, lines: [], called: false })).toBe('assistant')
  expect(nextStep({ assistants: 1, lines: [], called: false })).toBe('number')
  expect(nextStep({ assistants: 1, lines: [line], called: false })).toBe('call')
  expect(nextStep({ assistants: 1, lines: [line], called: true })).toBeUndefined()
})

test('who loses the number or the assistant is led again', () => {
  expect(nextStep({ assistants: 1, lines: [], called: true })).toBe('number')
  expect(nextStep({ assistants: 0, lines: [line], called: true })).toBe('assistant')
})

test('where somebody answers and has been called, nobody need count assistants', () => {
  expect(isUnderWay([line], true)).toBe(true)
  expect(isUnderWay([line], false)).toBe(false)
  expect(isUnderWay([{ ...line, assistant: '' }], true)).toBe(false)
  expect(isUnderWay([], true)).toBe(false)
})
