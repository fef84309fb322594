import { beforeAll, expect, test } from 'vitest'
import { needWords, t } from '../../lib/i18n'
import type { NumberChoice } from './data'
import { fromChoices } from './from'

beforeAll(() => needWords('calls'))

const number = (id: string, over: Partial<NumberChoice>): NumberChoice => ({ id, name: '', phone_number: '', assistant: '', vapi_phone_id: id, ...over })

test('a number that is not connected comes last, says so and cannot be chosen', () => {
  const choices = fromChoices([
    number('ordered', { name: 'Second line', vapi_phone_id: '' }),
    number('noted', { phone_number: '+14155550100', vapi_phone_id: '' }),
    number('main', { phone_number: '+14155550101' }),
  ], t)
  expect(choices.map((c) => [c.value, c.disabled])).toEqual([['main', false], ['ordered', true], ['noted', true]])
  expect(choices[0]!.label).not.toContain('connected')
  for (const choice of choices.slice(1)) expect(choice.label).toMatch(/.+ · not connected$/)
})
