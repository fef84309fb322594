// What the addresses of this area hold. Loaded with the first page, so it imports nothing.

/** Ways of adding a number: each is a provider of the collection. */
export const ways = ['vapi', 'twilio', 'other'] as const
export type Way = (typeof ways)[number]

export function readWay(raw: Record<string, unknown>): { way?: Way } {
  const way = ways.find((one) => one === raw.way)
  return way ? { way } : {}
}
