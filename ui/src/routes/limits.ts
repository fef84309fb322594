/** A password's length. bcrypt reads no more than 72 bytes, so longer ones would only seem stronger. */
export const PASSWORD = { min: 12, max: 71 } as const

/** Names of people and organizations. */
export const NAME = { max: 200 } as const
