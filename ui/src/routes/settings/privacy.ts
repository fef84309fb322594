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
