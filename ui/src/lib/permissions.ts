/**
 * What is worth showing to whom. The server decides: what its rules say is generated (rules.gen.ts), and stands here only as the
 * name of a screen or a button. The rest is what no rule says, each with its why.
 */
import { capabilities, handed, roles, rules, type Capability, type Grant, type Role } from './rules.gen'

export { capabilities, type Capability, type Role }

/** What a key may be made for; before it is known who asks, the least. */
export const grantable = (role: Role = 'viewer'): readonly Exclude<Role, 'owner'>[] => handed[role]

export type Access = { role: Role } & Partial<Record<Capability, boolean>>

/** Whom an area without rows of its own is for: owners and admins, and these, with the flag if there is one. */
const only = (some: readonly Role[], flag?: Capability): Grant =>
  Object.fromEntries(roles.filter((role) => some.includes(role) || grants(role)).map((role) => [role, grants(role) || flag === undefined ? true : flag]))
const grants = (role: Role) => role === 'owner' || role === 'admin'

const builders = ['manager', 'developer'] as const

const allowed = {
  // Every member's first page.
  'home.view': rules.organizations.list,
  'calls.view': rules.calls.list,
  'calls.place': rules.calls.create,
  'contacts.view': rules.contacts.list,
  'contacts.manage': rules.contacts.create,
  'contacts.delete': rules.contacts.delete,
  // The messages of the inbox have no rows yet; their texts do.
  'inbox.view': only(roles, 'can_view_messages'),
  'replies.view': rules.saved_replies.list,
  'inbox.reply': rules.saved_replies.create,
  'assistants.view': rules.assistants.list,
  'assistants.manage': rules.assistants.create,
  'functions.manage': rules.functions.create,
  'numbers.view': rules.phone_numbers.list,
  'numbers.manage': rules.phone_numbers.create,
  // Not built: no rows yet.
  'knowledge.view': only(roles),
  'knowledge.manage': only(builders, 'can_manage_agents'),
  'build.manage': only(builders, 'can_manage_agents'),
  // Figures are made of what was counted.
  'analytics.view': rules.usage_events.list,
  // Everybody may read functions, as parts of an assistant; the area is for who puts things together.
  'build.view': only(builders),
  'integrations.manage': rules.api_keys.list,
  // The address of a webhook is a column of the organization, which a rule cannot give apart.
  'webhooks.manage': only(builders, 'can_manage_integrations'),
  'billing.manage': rules.wallets.list,
  // Every member may know the others' names; the page is for who works with the team (GET /api/team-members).
  'team.view': { ...only(roles, 'can_manage_team'), manager: true },
  'team.manage': rules.invitations.list,
  // Every member may read the organization; what it asks of people is for who leads.
  'settings.view': only(['manager']),
  'settings.manage': rules.organizations.update,
} as const satisfies Record<string, Grant>

/** What a screen or a button is for. */
export type Action = keyof typeof allowed

/** Reports whether a member may do something. Nobody may do anything without a membership. */
export function can(access: Access | undefined, action: Action): boolean {
  const needs = access && (allowed[action] as Grant)[access.role]
  return needs === true || (needs !== undefined && access?.[needs] === true)
}
