import { describe, expect, test } from 'vitest'
import { e164, isHidden, isPhone, phone } from './phone'

describe('phone', () => {
  test.each([
    ['+14155550123', '+1 415 555 0123'],
    ['+33123456789', '+33 1 23 45 67 89'],
    ['+2250701020304', '+225 07 01 02 03 04'],
    ['+351210000000', '+351 210 000 000'],
    ['+4930123456', '+4930 123 456'],
    ['anonymous', 'anonymous'],
    ['', ''],
  ])('%s is shown as %s', (number, want) => {
    expect(phone(number)).toBe(want)
    expect(phone(number).replaceAll(' ', '')).toBe(number)
  })
})

test('callers without a number are told from those with one', () => {
  expect(['anonymous', 'restricted', 'unknown', 'unavailable', 'private', 'blocked', '', '+33123456789', 'sip:private@desk.example'].map(isHidden)).toEqual([true, true, true, true, true, true, false, false, false])
})

describe('e164', () => {
  test.each([['+33 1 23 45 67 89', '+33123456789'], ['0033 1.23.45.67.89', '+33123456789'], ['(415) 555-0123', '4155550123']])('%s', (typed, want) => {
    expect(e164(typed)).toBe(want)
  })
  test('a number without its country cannot be dialled', () => {
    expect([isPhone('+1 (415) 555-0123'), isPhone('01 23 45 67 89'), isPhone('')]).toEqual([true, false, false])
  })
})
