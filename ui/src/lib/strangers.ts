// Letters that run from right to left.
const leftward = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * A name that may be of another direction, for a sentence or a line of several things: it keeps its own order and turns nothing
 * beside it. In JSX `<bdi>` does the same.
 */
export const isolated = (name: string): string => (leftward.test(name) ? `\u2068${name}\u2069` : name)

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
