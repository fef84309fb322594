// Marks that turn or nest the direction of what follows. Scripts written from right to left do without them.
const turning = /[\u202a-\u202e\u2066-\u2069]/g

/**
 * What strangers said or wrote, without the marks that make a screen show it in another order than it is read: a caller's words
 * must not turn "gnp.exe" into "exe.png". Takes any answer of the server and goes into lists and objects.
 */
export function straight<V>(value: V): V {
  if (typeof value === 'string') return value.replace(turning, '') as V
  if (Array.isArray(value)) return value.map(straight) as V
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, straight(inner)])) as V
}
