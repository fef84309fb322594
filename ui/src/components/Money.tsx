import { useLanguage } from '../lib/i18n'
import { money } from '../lib/format'

/** An amount stored as an integer in the currency's smallest unit. */
export function Money({ minor, currency }: { minor: number; currency: string }) {
  useLanguage()
  return <span className="pl-tabular">{money(minor, currency)}</span>
}
