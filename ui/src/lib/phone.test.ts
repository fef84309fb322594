import { describe, expect, test } from 'vitest'
import { e164, exampleNumber, isHidden, isPhone, phone } from './phone'

describe('phone', () => {
  test.each([
    ['+14155550123', '+1 415 555 0123'],
    ['+33123456789', '+33 1 23 45 67 89'],
    ['+2250701020304', '+225 07 01 02 03 04'],
    ['+351210000000', '+351 210 000 000'],
    ['+4930123456', '+49 30 123 456'],
    ['+6591234567', '+65 91 234 567'],
    ['+123', '+1 23'],
    ['+442079460018', '+44 20 7946 0018'],
    ['+442890960018', '+44 28 9096 0018'],
    ['+441212345678', '+44 121 234 5678'],
    ['+441134960018', '+44 113 496 0018'],
    ['+441632960018', '+44 1632 960018'],
    ['+447700900123', '+44 7700 900123'],
    ['+448081570123', '+44 808 157 0123'],
    ['+3225550123', '+32 2 555 01 23'],
    ['+32470123456', '+32 470 12 34 56'],
    ['+35319001234', '+353 19 001 234'],
    ['+393312345678', '+39 331 234 5678'],
    ['+2348012345678', '+234 801 234 5678'],
    ['anonymous', 'anonymous'],
    ['', ''],
  ])('%s is shown as %s', (number, want) => {
    expect(phone(number)).toBe(want.replaceAll(' ', '\u00a0'))
    expect(e164(phone(number))).toBe(number)
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

test('an example is of the country, and none of another is shown where none is known', () => {
  expect([exampleNumber('GB'), exampleNumber('FR'), exampleNumber('XX'), exampleNumber(undefined)].map((text) => text.replaceAll('\u00a0', ' '))).toEqual(['+44 20 7946 0018', '+33 1 99 00 12 34', '', ''])
})
