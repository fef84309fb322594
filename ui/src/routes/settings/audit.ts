import { dayStart, nextDay } from '../../lib/days'
import { dateTime, languageName, parseDate, zoneName } from '../../lib/format'
import type { Key, T } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import type { AuditLogsRecord } from '../../lib/pb-types.gen'
import { phone } from '../../lib/phone'
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
  'api_keys.use', 'audit_logs.export', 'calls.export', 'calls.listen', 'calls.number', 'contacts.merge', 'contacts.split', 'organizations.export', 'organizations.setup', 'compliance.export', 'invitations.accept', 'privacy.export', 'privacy.erase', 'retention.purge', 'webhook_secret.rotate',
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

/** A word of the catalogue that only the running page knows by name; undefined where there is none. */
function found(key: string, t: T): string | undefined {
  const words = t(key as Key)
  return words === key ? undefined : words
}

/** A field's name for people. Every column of what the log follows has one; others lose their underscores. */
export function fieldWords(name: string, t: T): string {
  const text = name.replaceAll('_', ' ').trim()
  return found(`settings.audit.fields.${name}`, t) ?? text.charAt(0).toUpperCase() + text.slice(1)
}

// Where the words of a field's values stand.
const vocabularies: Record<string, string> = {
  role: 'roles', industry: 'trades', theme: 'profile.themes', plan: 'settings.plans', company_size: 'settings.sizes',
}
const MOMENT = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d/

/** A value for people, where it is a word, a moment, a number or stands for something that is not kept. */
export function valueWords(value: string, t: T, field = ''): string {
  if (value === '[number]') return t('settings.audit.values.hidden_number')
  if (/^\[(redacted|secret|hidden)\]$/.test(value)) return t('settings.audit.values.hidden')
  if (field === 'language') return languageName(value)
  if (field === 'timezone') return zoneName(value)
  if (/^[\w-]+$/.test(value)) {
    const word = found(`${vocabularies[field] ?? 'settings.audit.values'}.${value}`, t)
    return word ?? found(`settings.audit.values.${value}`, t) ?? value
  }
  const date = MOMENT.test(value) ? parseDate(value) : undefined
  if (date) return dateTime(date, undefined)
  return /^\+\d{7,15}$/.test(value) ? phone(value) : listed(value, t, field)
}

/** A list of words, as words. */
function listed(value: string, t: T, field: string): string {
  if (!value.startsWith('[')) return value
  try {
    const items = JSON.parse(value) as unknown
    return Array.isArray(items) && items.every((item) => typeof item === 'string')
      ? items.map((item) => valueWords(item, t, field)).join(', ') : value
  } catch {
    return value
  }
}

/** Who can act besides people. */
export const actorTypes = ['key', 'superuser', 'system', 'guest'] as const

/**
 * The filter of the list: a person or a kind of actor, how the action begins, a collection, days of the organization's zone. The server
 * reads the same days for the CSV file.
 */
export function auditFilter({ who, action, resource, from, to }: AuditSearch, zone?: string): string {
  return [
    who && (actorTypes.some((type) => type === who) ? pb.filter('actor_type = {:who}', { who }) : pb.filter('user = {:who}', { who })),
    action && pb.filter('action ~ {:action}', { action: `${action.replaceAll('%', '')}%` }),
    resource && pb.filter('resource = {:resource}', { resource }),
    from && pb.filter('created >= {:from}', { from: dayStart(from, zone) }),
    to && pb.filter('created < {:to}', { to: dayStart(nextDay(to), zone) }),
  ].filter(Boolean).join(' && ')
}
