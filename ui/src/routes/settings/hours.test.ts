import { describe, expect, test } from 'vitest'
import { fullWeek, isUntouched, nextShift, shiftProblem, toWeek, usualWeek } from './hours'

describe('a day', () => {
  test('may have a break, and may end after midnight', () => {
    expect(shiftProblem([{ from: '14:00', to: '18:00' }, { from: '09:00', to: '12:00' }])).toBeUndefined()
    expect(shiftProblem([{ from: '18:00', to: '02:00' }])).toBeUndefined()
    expect(shiftProblem([{ from: '00:00', to: '24:00' }])).toBeUndefined()
  })

  test('is told what is wrong with it', () => {
    expect(shiftProblem([{ from: '', to: '12:00' }])).toBe('time')
    expect(shiftProblem([{ from: '09:00', to: '09:00' }])).toBe('empty')
    expect(shiftProblem([{ from: '09:00', to: '13:00' }, { from: '12:00', to: '18:00' }])).toBe('overlap')
    expect(shiftProblem([{ from: '09:00', to: '02:00' }, { from: '12:00', to: '18:00' }])).toBe('overlap')
  })

  test('gets a next shift after its last one', () => {
    expect(nextShift([])).toEqual({ from: '09:00', to: '12:00' })
    expect(nextShift([{ from: '09:00', to: '12:00' }])).toEqual({ from: '13:00', to: '16:00' })
    expect(shiftProblem([{ from: '09:00', to: '21:30' }, nextShift([{ from: '09:00', to: '21:30' }])])).toBeUndefined()
  })
})

test('a closure nobody filled in closes nothing', () => {
  expect(isUntouched({ from: '' })).toBe(true)
  expect([{ from: '2026-12-24' }, { from: '', name: 'Christmas' }, { from: '', yearly: true }].some(isUntouched)).toBe(false)
})

describe('a week', () => {
  test('leaves out closed days and never turns "always closed" into "always open"', () => {
    expect(Object.keys(toWeek(usualWeek))).toEqual(['mon', 'tue', 'wed', 'thu', 'fri'])
    expect(toWeek(fullWeek(null))).toEqual({ mon: [] })
  })
})
