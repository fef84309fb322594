import type { T } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { AuditLogsRecord } from '../../lib/pb-types.gen'
import { logged } from '../../lib/rules.gen'
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
  'auth.password_ended', 'auth.refresh_reused', 'auth.password_reset', 'auth.address_changed', 'auth.link',
  'auth.reset_link', 'auth.address', 'installation.backup', 'installation.check_mail', 'installation.check_provider', 'installation.confirm_restored', 'installation.mail', 'installation.remove_stray', 'installation.restore', 'organizations.purge', 'security_settings.reset', 'system.migrate',
] as const

/** "Assistant changed"; actions without words of their own are shown as they are written. */
export function actionWords({ action }: { action: string }, t: T): string {
  const special = known.find((name) => name === action)
  if (special) return t(`settings.audit.actions.${special.replace('.', '_') as Flat<typeof special>}`)
  const [noun = '', verb = ''] = action.split('.')
  const [what, did] = [logged.find((n) => n === noun), verbs.find((v) => v === verb)]
  return what && did ? t(`settings.audit.${did}`, { what: t(`settings.audit.one.${what}`) }) : action
}
type Flat<S extends string> = S extends `${infer A}.${infer B}` ? `${A}_${B}` : S

/** Every action the log knows, in the reader's words and in their order: what the filter offers. */
export function actionChoices(t: T): { value: string; label: string }[] {
  return [...known, ...logged.flatMap((noun) => verbs.map((verb) => `${noun}.${verb}`))]
    .map((value) => ({ value, label: actionWords({ action: value }, t) })).sort((a, b) => a.label.localeCompare(b.label))
}

/** Who acted: a name, where it is one; what the log writes for machines is said in words. */
export function actorWords({ actor_name: name, actor_type: type }: Pick<AuditLogsRecord, 'actor_name' | 'actor_type'>, t: T): string {
  if (type === 'system' && name === 'console') return t('settings.audit.console')
  if (name.startsWith(KEY)) return t('settings.audit.keyNamed', { name: name.slice(KEY.length) })
  return name || t(`settings.audit.actors.${type}`)
}
// What the account behind an API key is called.
const KEY = 'Key: '

const fields = [
  'method', 'demo', 'collection', 'copy', 'ended_by', 'file', 'membership', 'role', 'new_account', 'provider',
  'copies', 'at_once', 'ran', 'result', 'host', 'name', 'full_name', 'email', 'avatar', 'phone', 'language', 'theme',
  'is_active', 'notifications', 'two_factor', 'two_factor_enabled', 'description', 'status', 'plan', 'industry',
  'country', 'timezone', 'currency', 'logo', 'business_hours', 'closures', 'webhook_url', 'limits', 'paused',
  'deletes_at', 'department', 'phone_number', 'user', 'allowed_auth_methods', 'session_timeout_minutes',
  'ip_whitelist', 'keep_recordings_days', 'keep_transcripts_days', 'keep_messages_days', 'keep_events_days',
  'keep_audit_days', 'legal_hold', 'prefix', 'expires_at', 'revoked_at', 'created_by', 'token_hash', 'invited_by',
  'sent_at', 'message', 'notes', 'type', 'system_prompt', 'first_message', 'voice_id', 'functions',
  'forwarding_phone_number', 'recording_enabled', 'parameters', 'friendly_name', 'assistant', 'fallback_number',
  'number_type', 'country_code', 'resolution_status', 'priority', 'sentiment', 'rows', 'reason', 'organization',
  'is_default', 'personality', 'trusted_origins', 'shortcut', 'text',
] as const

/** A field's name for people; one without words here loses its underscores. */
export function fieldWords(name: string, t: T): string {
  const word = fields.find((one) => one === name)
  if (word) return t(`settings.audit.fields.${word}`)
  const text = name.replaceAll('_', ' ').trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const values = [
  'password', 'otp', 'oauth2', 'setup', 'mfa', 'invite', 'sign_up', 'second_factor', 'recovery', 'true', 'false',
  'vapi', 'inbound', 'active', 'suspended', 'draft', 'inactive',
] as const

/** A value for people, where it is a word or stands for something that is not kept. */
export function valueWords(value: string, t: T): string {
  const word = values.find((one) => one === value)
  if (word) return t(`settings.audit.values.${word}`)
  if (value === '[number]') return t('settings.audit.values.hidden_number')
  return /^\[(redacted|secret|hidden)\]$/.test(value) ? t('settings.audit.values.hidden') : value
}

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
