import { trades } from './pb-types.gen'

export type Trade = (typeof trades)[number]

/** Reports whether a stored trade is one of the list, or one in words of its own. */
export const isTrade = (stored: string): stored is Trade => trades.some((trade) => trade === stored)

/** The trade an organization is of, as far as the list knows it. */
export const tradeOf = (stored = ''): Trade => (isTrade(stored) ? stored : 'other')
