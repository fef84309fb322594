/** One argument of a function, as a row of the editor. */
export interface Argument {
  name: string
  type: ArgumentType
  description: string
  required: boolean
  /** Choices of a text, when it has a fixed set. */
  choices: string[]
  /** Keywords of the schema that the rows do not show; they survive an edit. */
  rest: Record<string, unknown>
}

export const argumentTypes = ['string', 'number', 'integer', 'boolean', 'array', 'object'] as const
export type ArgumentType = (typeof argumentTypes)[number]

export interface Rows {
  rows: Argument[]
  /** Keywords beside type, properties and required. */
  rest: Record<string, unknown>
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

export const newArgument = (): Argument => ({ name: '', type: 'string', description: '', required: false, choices: [], rest: {} })

/**
 * Reads a JSON schema into rows. Undefined when rows cannot show it without losing something (a list of types, a
 * reference, a combination): such a schema is edited as JSON.
 */
export function toRows(schema: unknown): Rows | undefined {
  if (schema === null || schema === undefined || schema === '') return { rows: [], rest: {} }
  if (!isObject(schema)) return undefined
  const { type = 'object', properties = {}, required = [], ...rest } = schema
  if (type !== 'object' || !isObject(properties) || !Array.isArray(required) || '$ref' in rest || 'allOf' in rest || 'anyOf' in rest || 'oneOf' in rest) return undefined
  if (!required.every((name) => typeof name === 'string' && Object.hasOwn(properties, name))) return undefined
  const rows: Argument[] = []
  for (const [name, value] of Object.entries(properties)) {
    if (!isObject(value)) return undefined
    const { type, description = '', enum: choices, ...others } = value
    if (!argumentTypes.includes(type as ArgumentType) || typeof description !== 'string') return undefined
    const listed = type === 'string' && Array.isArray(choices) && choices.every((c) => typeof c === 'string')
    rows.push({
      name, type: type as ArgumentType, description, required: required.includes(name), choices: listed ? choices as string[] : [],
      rest: choices === undefined || listed ? others : { ...others, enum: choices },
    })
  }
  return { rows, rest }
}

/** Writes rows as a JSON schema. Rows without a name are left out. */
export function toSchema({ rows, rest }: Rows): Json {
  const named = rows.map((row) => ({ ...row, name: row.name.trim() })).filter((row) => row.name)
  const required = named.filter((row) => row.required).map((row) => row.name)
  return {
    type: 'object',
    properties: Object.fromEntries(named.map((row) => [row.name, {
      type: row.type,
      ...(row.description.trim() && { description: row.description.trim() }),
      ...(row.type === 'string' && row.choices.length > 0 && { enum: row.choices }),
      ...row.rest,
    }])),
    ...(required.length > 0 && { required }),
    ...rest,
  }
}

export type RowProblem = 'name' | 'twice'

// What language models accept as an argument's name.
const argumentName = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/

/** What is wrong with the rows, by index. Wholly empty rows are not wrong, they are not saved. */
export function rowProblems(rows: readonly Argument[]): Map<number, RowProblem> {
  const found = new Map<number, RowProblem>()
  const seen = new Set<string>()
  rows.forEach((row, index) => {
    const name = row.name.trim()
    if (!name && !row.description.trim()) return
    if (!argumentName.test(name)) found.set(index, 'name')
    else if (seen.has(name)) found.set(index, 'twice')
    seen.add(name)
  })
  return found
}

/** Reads the JSON view. Undefined when it is not an object. */
export function parseSchema(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
