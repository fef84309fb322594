// How numbers are grouped after the country's digits, for the countries most desks are in; where areas differ, by how a number
// begins. Others are grouped in threes: readable, and the digits stay exact. [calling code, sizes of the groups, beginning]
const grouping: readonly (readonly [string, readonly number[], RegExp?])[] = [
  ['1', [3, 3, 4]],
  ['33', [1, 2, 2, 2, 2]],
  ['32', [3, 2, 2, 2]],
  ['32', [1, 3, 2, 2], /^[2349]/],
  ['41', [2, 3, 2, 2]],
  ['44', [2, 4, 4], /^2/],
  ['44', [3, 3, 4], /^(11|1\d1|[389])/],
  ['44', [4, 6]],
  ['49', [2, 3, 3], /^(30|40|69|89)/],
  ['221', [2, 3, 2, 2]],
  ['225', [2, 2, 2, 2, 2]],
  ['212', [3, 2, 2, 2]],
  ['352', [3, 3, 3]],
]

/** Calling codes of one and two digits; all others have three. */
const shortCode = /^(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

/** What the server stores where a caller has no number to show. */
const hidden = new Set(['anonymous', 'restricted', 'unknown', 'unavailable', 'private', 'blocked'])

/** Reports whether the text stands in a number's place because the caller hid it. */
export const isHidden = (text: string): boolean => hidden.has(text)

const space = '\u00a0'

/** "+33 1 23 45 67 89" from E.164, with spaces that no line breaks at. Text that is not E.164 (a SIP address) comes back as it is. */
export function phone(e164: string): string {
  if (!/^\+[1-9]\d{2,14}$/.test(e164)) return e164
  const digits = e164.slice(1)
  for (const [code, sizes, begins] of grouping) {
    if (!digits.startsWith(code)) continue
    const rest = digits.slice(code.length)
    if (begins && !begins.test(rest)) continue
    if (rest.length !== sizes.reduce((n, size) => n + size, 0)) continue
    let from = 0
    return [`+${code}`, ...sizes.map((size) => rest.slice(from, (from += size)))].join(space)
  }
  const code = shortCode.exec(digits)?.[0] ?? digits.slice(0, 3)
  const rest = digits.slice(code.length)
  // No group of one: the last one has four digits then.
  const last = rest.slice(rest.length % 3 === 1 ? -4 : -3)
  return `+${code}${space}${rest.slice(0, -last.length).replace(/\d(?=(\d{3})*$)/g, `$&${space}`)}${last}`
}

/** E.164 from what a person typed: spaces, dots, dashes, brackets and a leading 00 are understood. */
export function e164(typed: string): string {
  const bare = typed.trim().replace(/[\s.\-()\u00a0\u202f]/g, '')
  return bare.startsWith('00') ? `+${bare.slice(2)}` : bare
}

/** Reports whether the text is a number that can be dialled from anywhere. */
export const isPhone = (typed: string): boolean => /^\+[1-9]\d{6,14}$/.test(e164(typed))

/** Reports whether the text may be a number as somebody writes it, at home too: digits and what stands between them. */
export const isDigits = (typed: string): boolean => /^\+?\d{3,15}$/.test(e164(typed).replaceAll('/', ''))

// Numbers that are kept free for examples where a country has such, else of the right form.
const examples: Record<string, string> = {
  FR: '+33199001234', GB: '+442079460018', US: '+12025550123', CA: '+16135550123', BE: '+3225550123', CH: '+41445550123', SN: '+221338001234',
  CI: '+2252720001234', MA: '+212520001234', LU: '+352261234567', DE: '+4930231254', ES: '+34910001234', IE: '+353209123456', IT: '+390612345678',
}

/** A number as people of a country write it, for the placeholder of a field; "" where none is known. */
export const exampleNumber = (country: string | undefined): string => phone(examples[country ?? ''] ?? '')
