import { describe, expect, test } from 'vitest'
import { can, grantable, type Access, type Action } from './permissions'

describe('can', () => {
  test.each<[Access | undefined, Action, boolean]>([
    [undefined, 'home.view', false],
    [{ role: 'viewer' }, 'home.view', true],
    [{ role: 'viewer' }, 'calls.view', false],
    [{ role: 'viewer', can_view_calls: true }, 'calls.view', true],
    [{ role: 'viewer', can_view_calls: true }, 'calls.place', false],
    [{ role: 'agent', can_view_calls: true }, 'calls.place', true],
    [{ role: 'owner', can_view_calls: false }, 'calls.view', true],
    [{ role: 'admin' }, 'billing.manage', true],
    [{ role: 'manager', can_manage_team: true }, 'team.manage', true],
    [{ role: 'manager' }, 'team.manage', false],
    [{ role: 'manager' }, 'billing.manage', false],
    [{ role: 'developer', can_manage_integrations: true }, 'webhooks.manage', true],
    [{ role: 'agent', can_manage_integrations: true }, 'webhooks.manage', false],
    [{ role: 'developer', can_manage_agents: true }, 'numbers.manage', false],
    [{ role: 'manager', can_manage_agents: true }, 'numbers.manage', false],
    [{ role: 'manager', can_manage_agents: true }, 'assistants.manage', true],
    [{ role: 'developer', can_manage_agents: true }, 'assistants.manage', true],
    [{ role: 'developer' }, 'assistants.manage', false],
    [{ role: 'developer' }, 'functions.manage', true],
    [{ role: 'manager' }, 'functions.manage', false],
    [{ role: 'agent', can_manage_agents: true }, 'functions.manage', true],
    [{ role: 'agent' }, 'functions.manage', false],
    [{ role: 'nobody' as 'viewer', can_view_calls: true }, 'calls.view', false],
  ])('%o %s: %s', (access, action, want) => {
    expect(can(access, action)).toBe(want)
  })
})

describe('grantable', () => {
  test('nobody gives a key more than they have', () => {
    expect(grantable('manager')).toEqual(['manager', 'agent', 'viewer'])
    expect(grantable('developer')).toEqual(['viewer', 'developer'])
    expect(grantable('owner')).toContain('admin')
    expect(grantable()).toEqual(['viewer'])
  })
})
