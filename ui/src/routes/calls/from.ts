import type { T } from '../../lib/i18n'
import { phone } from '../../lib/phone'
import { isolated } from '../../lib/strangers'
import type { NumberChoice } from './data'

/** Calls come and go only through a number that is at the provider. */
export const isConnected = (number: NumberChoice) => number.vapi_phone_id !== ''

/** The numbers to choose one for a call from: those that are not connected come last, say so and cannot be chosen. */
export function fromChoices(numbers: NumberChoice[], t: T) {
  const label = (n: NumberChoice) =>
    [n.name && isolated(n.name), phone(n.phone_number), !isConnected(n) && t('calls.place.notConnected')].filter(Boolean).join(' · ')
  return [...numbers.filter(isConnected), ...numbers.filter((n) => !isConnected(n))]
    .map((n) => ({ value: n.id, label: label(n), disabled: !isConnected(n) }))
}
