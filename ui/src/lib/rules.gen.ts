// Generated from the rules of collections/ by `go run . schema write`. Do not edit.

/** Roles of a membership, most powerful first. */
export const roles = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] as const
export type Role = (typeof roles)[number]

/** Flags of a membership. Owners and admins hold all of them. */
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

/** What each may make a key of: nobody hands out more than they have. */
export const handed = {
  owner: ['admin', 'manager', 'agent', 'viewer', 'developer'],
  admin: ['admin', 'manager', 'agent', 'viewer', 'developer'],
  manager: ['manager', 'agent', 'viewer'],
  agent: ['agent', 'viewer'],
  viewer: ['viewer'],
  developer: ['viewer', 'developer'],
} as const satisfies Record<Role, readonly Role[]>

/** Whom a rule admits: a role by itself (true), or with a flag. */
export type Grant = Readonly<Partial<Record<Role, true | Capability>>>

/** What members may do with rows of their organization. Where a rule is missing, nobody may, or it asks who the person is. */
export const rules = {
  organizations: {
    list: { owner: true, admin: true, manager: true, agent: true, viewer: true, developer: true },
    update: { owner: true, admin: true },
  },
  api_keys: {
    list: { owner: true, admin: true, manager: 'can_manage_integrations', agent: 'can_manage_integrations', viewer: 'can_manage_integrations', developer: true },
  },
  functions: {
    list: { owner: true, admin: true, manager: true, agent: true, viewer: true, developer: true },
    create: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: true },
    update: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: true },
    delete: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: true },
  },
  assistants: {
    list: { owner: true, admin: true, manager: true, agent: true, viewer: true, developer: true },
    create: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: 'can_manage_agents' },
    update: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: 'can_manage_agents' },
    delete: { owner: true, admin: true, manager: 'can_manage_agents', agent: 'can_manage_agents', viewer: 'can_manage_agents', developer: 'can_manage_agents' },
  },
  audit_logs: {
    list: { owner: true, admin: true },
  },
  contacts: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
    create: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls' },
    update: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls' },
    delete: { owner: true, admin: true },
  },
  phone_numbers: {
    list: { owner: true, admin: true, manager: true, agent: true, viewer: true, developer: true },
    create: { owner: true, admin: true },
    update: { owner: true, admin: true },
    delete: { owner: true, admin: true },
  },
  calls: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
    create: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls' },
    update: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls' },
    delete: { owner: true, admin: true },
  },
  call_events: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
  },
  call_reports: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
  },
  invitations: {
    list: { owner: true, admin: true, manager: 'can_manage_team', agent: 'can_manage_team', viewer: 'can_manage_team', developer: 'can_manage_team' },
  },
  wallets: {
    list: { owner: true, admin: true },
  },
  ledger_entries: {
    list: { owner: true, admin: true },
  },
  messages: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
  },
  privacy_requests: {
    list: { owner: true, admin: true },
  },
  recordings: {
    list: { owner: true, admin: true, manager: 'can_view_calls', agent: 'can_view_calls', viewer: 'can_view_calls', developer: 'can_view_calls' },
  },
  saved_replies: {
    list: { owner: true, admin: true, manager: true, agent: true, viewer: true, developer: true },
    create: { owner: true, admin: true, manager: 'can_view_messages', agent: 'can_view_messages' },
    update: { owner: true, admin: true, manager: 'can_view_messages', agent: 'can_view_messages' },
    delete: { owner: true, admin: true, manager: 'can_view_messages', agent: 'can_view_messages' },
  },
  security_settings: {
    list: { owner: true, admin: true },
  },
  subscriptions: {
    list: { owner: true, admin: true },
  },
  usage_events: {
    list: { owner: true, admin: true, manager: 'can_access_analytics', agent: 'can_access_analytics', viewer: 'can_access_analytics', developer: 'can_access_analytics' },
  },
} as const satisfies Record<string, Partial<Record<'list' | 'create' | 'update' | 'delete', Grant>>>

/** What the rows' changes are called in the audit log: collections people read of there. */
export const logged = [
  'users',
  'organizations',
  'api_keys',
  'functions',
  'assistants',
  'authenticators',
  'contacts',
  'phone_numbers',
  'calls',
  'invitations',
  'memberships',
  'messages',
  'privacy_requests',
  'recordings',
  'saved_replies',
  'security_settings',
  'sessions',
] as const
