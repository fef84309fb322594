import { limits } from '../lib/pb-types.gen'

/** A password's length. bcrypt reads no more than 72 bytes, so longer ones would only seem stronger. */
export const PASSWORD = { min: 12, max: 71 } as const

/** Names of people and organizations: what both collections accept. */
export const NAME = { max: Math.min(limits.users.name.max, limits.organizations.name.max) } as const
