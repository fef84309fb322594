// How numbers are grouped after the country's digits, for the countries most desks are in. Others are grouped in threes:
// readable, and the digits stay exact. [calling code, sizes of the groups]
const grouping: readonly (readonly [string, readonly number[]])[] = [
  ['1', [3, 3, 4]],
  ['33', [1, 2, 2, 2, 2]],
  ['32', [3, 2, 2, 2]],
  ['41', [2, 3, 2, 2]],
  ['44', [4, 6]],
  ['221', [2, 3, 2, 2]],
  ['225', [2, 2, 2, 2, 2]],
  ['212', [3, 2, 2, 2]],
  ['352', [3, 3, 3]],
]

/** What the server stores where a caller has no number to show. */
const hidden = new Set(['anonymous', 'restricted', 'unknown', 'unavailable', 'private', 'blocked'])

/** Reports whether the text stands in a number's place because the caller hid it. */
export const isHidden = (text: string): boolean => hidden.has(text)

/** "+33 1 23 45 67 89" from E.164. Text that is not E.164 (a SIP address) comes back as it is. */
export function phone(e164: string): string {
  if (!/^\+[1-9]\d{2,14}$/.test(e164)) return e164
  const digits = e164.slice(1)
  for (const [code, sizes] of grouping) {
    if (!digits.startsWith(code)) continue
    const rest = digits.slice(code.length)
    if (rest.length !== sizes.reduce((n, size) => n + size, 0)) continue
    let from = 0
    return `+${code} ${sizes.map((size) => rest.slice(from, (from += size))).join(' ')}`
  }
  return `+${digits.replace(/(\d{2,3})(?=(\d{3})+$)/g, '$1 ')}`
}

/** E.164 from what a person typed: spaces, dots, dashes, brackets and a leading 00 are understood. */
export function e164(typed: string): string {
  const bare = typed.trim().replace(/[\s.\-()\u00a0\u202f]/g, '')
  return bare.startsWith('00') ? `+${bare.slice(2)}` : bare
}

/** Reports whether the text is a number that can be dialled from anywhere. */
export const isPhone = (typed: string): boolean => /^\+[1-9]\d{6,14}$/.test(e164(typed))
