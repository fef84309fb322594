/** What the provider's models found in a call, as the server stores it. */
export interface Findings {
  /** "true", "false", a mark or a sentence: the assistant's rubric decides. */
  success_evaluation?: string
  /** Whatever the assistant asks for. */
  structured_data?: unknown
  /** By the output's id at the provider. */
  structured_outputs?: unknown
}

/** What one question was answered with. */
export interface Output {
  id: string
  name: string
  result: unknown
}

/** A field's name as words: `callBackTime` and `call_back_time` are "Call back time". */
export function words(name: string): string {
  const spaced = name.replace(/[_-]+/g, ' ').replace(/([a-z\d])([A-Z])/g, '$1 $2').trim()
  if (spaced === '') return name
  const lower = spaced.split(/\s+/).map((word) => (/^[A-Z\d]{2,}$/.test(word) ? word : word.toLowerCase())).join(' ')
  return lower.charAt(0).toUpperCase() + lower.slice(1)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a value says nothing: null, an empty text, list or object. */
export function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value === 'string') return value.trim() === ''
  if (Array.isArray(value)) return value.every(isNothing)
  return isObject(value) && Object.values(value).every(isNothing)
}

const isPlain = (value: unknown) => typeof value !== 'object'

/**
 * The pairs of an object that say something, plain ones first and by name: the server keeps no order of them. A value that
 * is no object is a pair without a name.
 */
export function pairs(value: unknown): [string, unknown][] {
  if (isNothing(value)) return []
  if (!isObject(value)) return [['', value]]
  return Object.entries(value).filter(([, each]) => !isNothing(each)).sort(([a, x], [b, y]) => Number(isPlain(y)) - Number(isPlain(x)) || a.localeCompare(b))
}

/** The outputs that say something. */
export function outputs(stored: unknown): Output[] {
  if (!isObject(stored)) return []
  return Object.entries(stored).flatMap(([id, one]) => {
    if (!isObject(one) || isNothing(one.result)) return []
    return [{ id, name: typeof one.name === 'string' ? one.name : '', result: one.result }]
  })
}

/** Yes, no, or the mark itself. */
export function verdict(evaluation: unknown): true | false | string | undefined {
  const text = typeof evaluation === 'string' ? evaluation.trim() : ''
  if (/^(true|pass|passed|success)$/i.test(text)) return true
  if (/^(false|fail|failed|failure)$/i.test(text)) return false
  return text || undefined
}
