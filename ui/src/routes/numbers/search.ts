// What the addresses of this area hold. Loaded with the first page, so it imports nothing.

/** What is looked for among numbers: a number is stored without what is typed before and between its digits. */
export const soughtNumber = (typed: string): string =>
  (/\d/.test(typed) && /^[+\d\s().\-/]+$/.test(typed) ? typed.replace(/\D/g, '').replace(/^0+(?=\d)/, '') : typed)

/** Ways of adding a number: each is a provider of the collection. */
export const ways = ['vapi', 'twilio', 'other'] as const
export type Way = (typeof ways)[number]

export function readWay(raw: Record<string, unknown>): { way?: Way } {
  const way = ways.find((one) => one === raw.way)
  return way ? { way } : {}
}
