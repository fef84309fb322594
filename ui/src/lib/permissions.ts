/** Roles and capability flags of a membership. The server decides; this only decides what is worth showing. */
export type Role = 'owner' | 'admin' | 'manager' | 'agent' | 'viewer' | 'developer'

/** What a key may be made for: nobody hands out more than they have. */
export function grantable(role?: Role): Exclude<Role, 'owner'>[] {
  switch (role) {
    case 'owner':
    case 'admin':
      return ['admin', 'manager', 'agent', 'viewer', 'developer']
    case 'manager':
      return ['manager', 'agent', 'viewer']
    case 'agent':
      return ['agent', 'viewer']
    case 'developer':
      return ['viewer', 'developer']
    default:
      return ['viewer']
  }
}

export const capabilities = [
  'can_access_analytics',
  'can_manage_integrations',
  'can_manage_team',
  'can_manage_agents',
  'can_view_calls',
  'can_view_messages',
  'can_view_emails',
] as const
export type Capability = (typeof capabilities)[number]

export type Access = { role: Role } & Partial<Record<Capability, boolean>>

/** What a screen or a button is for. */
export type Action =
  | 'home.view'
  | 'calls.view'
  | 'calls.place'
  | 'inbox.view'
  | 'inbox.reply'
  | 'assistants.view'
  | 'assistants.manage'
  | 'functions.manage'
  | 'numbers.view'
  | 'numbers.manage'
  | 'knowledge.view'
  | 'knowledge.manage'
  | 'analytics.view'
  | 'build.view'
  | 'build.manage'
  | 'integrations.manage'
  | 'webhooks.manage'
  | 'billing.manage'
  | 'team.view'
  | 'team.manage'
  | 'settings.view'
  | 'settings.manage'

interface Rule {
  roles: readonly Role[]
  /** Asked from everybody but owners and admins, who may do everything. */
  needs?: Capability
  /** A role that needs no flag for it. */
  free?: Role
}

const everyone = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] as const
const staff = ['owner', 'admin', 'manager', 'agent'] as const
const leads = ['owner', 'admin', 'manager'] as const
const builders = ['owner', 'admin', 'manager', 'developer'] as const

const rules: Record<Action, Rule> = {
  'home.view': { roles: everyone },
  'calls.view': { roles: everyone, needs: 'can_view_calls' },
  'calls.place': { roles: staff, needs: 'can_view_calls' },
  'inbox.view': { roles: everyone, needs: 'can_view_messages' },
  'inbox.reply': { roles: staff, needs: 'can_view_messages' },
  'assistants.view': { roles: everyone },
  'assistants.manage': { roles: everyone, needs: 'can_manage_agents' },
  'functions.manage': { roles: everyone, needs: 'can_manage_agents', free: 'developer' },
  'numbers.view': { roles: everyone },
  'numbers.manage': { roles: ['owner', 'admin'] },
  'knowledge.view': { roles: everyone },
  'knowledge.manage': { roles: builders, needs: 'can_manage_agents' },
  'analytics.view': { roles: everyone, needs: 'can_access_analytics' },
  'build.view': { roles: builders },
  'build.manage': { roles: builders, needs: 'can_manage_agents' },
  'integrations.manage': { roles: builders, needs: 'can_manage_integrations' },
  'webhooks.manage': { roles: builders, needs: 'can_manage_integrations' },
  'billing.manage': { roles: ['owner', 'admin'] },
  'team.view': { roles: everyone, needs: 'can_manage_team', free: 'manager' },
  'team.manage': { roles: everyone, needs: 'can_manage_team' },
  'settings.view': { roles: leads },
  'settings.manage': { roles: ['owner', 'admin'] },
}

/** Reports whether a member may do something. Nobody may do anything without a membership. */
export function can(access: Access | undefined, action: Action): boolean {
  if (!access) return false
  const rule = rules[action]
  if (!rule.roles.includes(access.role)) return false
  if (!rule.needs || access.role === rule.free || access.role === 'owner' || access.role === 'admin') return true
  return access[rule.needs] === true
}
