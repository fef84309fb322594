import { describe, expect, test } from 'vitest'
import { nameFrom, readAddresses, usualFlags } from './data'
import { readTeamSearch } from './routes'

describe('addresses to invite', () => {
  test('are read from lines, commas and names', () => {
    expect(readAddresses('a@x.org, b@x.org\nAda Lovelace <ada@x.org>; A@x.org')).toEqual({ addresses: ['A@x.org', 'b@x.org', 'ada@x.org'], wrong: [] })
  })

  test('name what is no address', () => {
    expect(readAddresses('a@x.org nobody b@')).toEqual({ addresses: ['a@x.org'], wrong: ['nobody', 'b@'] })
    expect(readAddresses('  \n')).toEqual({ addresses: [], wrong: [] })
  })
})

test('a name is guessed from an address', () => {
  expect([nameFrom('jane.doe@x.org'), nameFrom('ada+work@x.org'), nameFrom('._@x.org')]).toEqual(['Jane Doe', 'Ada', '._@x.org'])
})

test('nobody is offered rights the inviting person does not hold', () => {
  const flags = usualFlags('manager', (c) => c !== 'can_manage_agents')
  expect(flags.can_view_calls).toBe(true)
  expect(flags.can_manage_agents).toBe(false)
  expect(flags.can_manage_team).toBe(false)
})

test('filters that are none are left out', () => {
  expect(readTeamSearch({ q: 7, role: 'king', status: 'invited', department: ['x'] })).toEqual({ q: '7', status: 'invited' })
})
