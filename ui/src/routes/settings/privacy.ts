import type { T } from '../../lib/i18n'
import { isHidden } from '../../lib/phone'

/** Whom a request was about, as far as that is kept: the last two digits, or that the number was hidden. */
export function whose(hint: string, t: T): string {
  if (!hint) return '–'
  if (isHidden(hint)) return t('settings.privacy.hidden')
  return t('settings.privacy.ends', { digits: hint.replace('…', '') })
}

/** What an archive about a caller is called: the number's last digits, which an extension or a word may not have. */
export function archiveName(typed: string): string {
  const digits = typed.replaceAll(/\D/g, '').slice(-4)
  return digits ? `caller-${digits}.zip` : 'caller.zip'
}

/** What a certificate counts, in the order people care about it. */
const counted = [
  'calls', 'messages', 'recordings', 'call_events', 'call_reports', 'contacts', 'provider_events', 'outbox', 'audit_details',
] as const

/** A certificate's counts in words; zeros, and what has no word here, stand in the file alone. */
export function countsOf(certificate: unknown): { name: (typeof counted)[number]; count: number }[] {
  const all = (typeof certificate === 'object' && certificate !== null ? certificate : {}) as Record<string, unknown>
  return counted.flatMap((name) => {
    const count = all[name]
    return typeof count === 'number' && count > 0 ? [{ name, count }] : []
  })
}
