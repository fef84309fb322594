import type { T } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { AuditSearch } from './routes'

export interface Change {
  field: string
  before: string
  after: string
}

const text = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** The changed fields of an entry; facts that are no change stand in "after" alone. */
export function changesOf(details: unknown): Change[] {
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return []
  return Object.entries(details).map(([field, value]) => {
    const change = value as { before?: unknown; after?: unknown } | null
    const both = typeof change === 'object' && change !== null && ('before' in change || 'after' in change)
    return both ? { field, before: text(change.before), after: text(change.after) } : { field, before: '', after: text(value) }
  })
}

const verbs = ['create', 'update', 'delete'] as const
const known = [
  'auth.sign_in', 'auth.failed', 'auth.refused', 'auth.sign_up', 'auth.session_ended', 'auth.sessions_ended', 'auth.signed_out_everywhere', 'auth.two_factor_on', 'auth.two_factor_off', 'auth.recovery_codes',
  'api_keys.use', 'audit_logs.export', 'calls.export', 'organizations.export', 'organizations.setup', 'compliance.export', 'invitations.accept', 'privacy.export', 'privacy.erase', 'retention.purge', 'webhook_secret.rotate',
  'auth.password_ended', 'auth.password_reset', 'auth.address_changed', 'auth.link',
  'auth.reset_link', 'auth.address', 'installation.backup', 'installation.check_mail', 'installation.check_provider', 'installation.mail', 'installation.remove_stray', 'installation.restore', 'organizations.purge', 'security_settings.reset', 'system.migrate',
] as const
const nouns = ['assistants', 'calls', 'phone_numbers', 'functions', 'memberships', 'invitations', 'organizations', 'security_settings', 'api_keys', 'users', 'contacts', 'privacy_requests', 'authenticators', 'sessions', 'recordings', 'messages'] as const

/** "Assistant changed"; actions without words of their own are shown as they are written. */
export function actionWords({ action }: { action: string }, t: T): string {
  const special = known.find((name) => name === action)
  if (special) return t(`settings.audit.actions.${special.replace('.', '_') as Flat<typeof special>}`)
  const [noun = '', verb = ''] = action.split('.')
  const [what, did] = [nouns.find((n) => n === noun), verbs.find((v) => v === verb)]
  return what && did ? t(`settings.audit.${did}`, { what: t(`settings.audit.one.${what}`) }) : action
}
type Flat<S extends string> = S extends `${infer A}.${infer B}` ? `${A}_${B}` : S

/** Who can act besides people. */
export const actorTypes = ['key', 'superuser', 'system', 'guest'] as const

/** The filter of the list: a person or a kind of actor, how the action begins, a collection, days of UTC. The CSV file asks the same. */
export function auditFilter({ who, action, resource, from, to }: AuditSearch): string {
  return [
    who && (actorTypes.some((type) => type === who) ? pb.filter('actor_type = {:who}', { who }) : pb.filter('user = {:who}', { who })),
    action && pb.filter('action ~ {:action}', { action: `${action.replaceAll('%', '')}%` }),
    resource && pb.filter('resource = {:resource}', { resource }),
    from && pb.filter('created >= {:from}', { from: `${from} 00:00:00.000Z` }),
    to && pb.filter('created <= {:to}', { to: `${to} 23:59:59.999Z` }),
  ].filter(Boolean).join(' && ')
}
