import type { EditForm, NewForm } from '../../lib/editor'
import type { Key } from '../../lib/i18n'
import { same, stable } from '../../lib/rebase'
import type { FunctionDetail } from './data'
import { parseSchema, rowProblems, toRows, toSchema, type Argument } from './schema'

export interface Header {
  name: string
  value: string
}

/** The arguments, as rows or as the JSON text a person edits. */
export interface Parameters {
  view: 'rows' | 'json'
  rows: Argument[]
  /** Keywords of the schema beside its arguments. */
  rest: Record<string, unknown>
  text: string
}

export type FunctionForm = {
  name: string
  description: string
  parameters: Parameters
  webhook_url: string
  /** Undefined keeps what is stored: nobody can read it back. */
  headers: Header[] | undefined
  /** Seconds; stored as milliseconds. */
  timeout_ms: number | ''
  async: boolean
  is_active: boolean
}

const pretty = (schema: unknown) => stable(schema ?? { type: 'object', properties: {} }, 2) ?? ''

// Stored schemas have no order: what is needed comes first, then by name, the same at every load.
const byNeed = (a: Argument, b: Argument) => Number(b.required) - Number(a.required) || (a.name < b.name ? -1 : 1)

/** Opens a schema as rows when rows can show all of it, else as JSON. */
export function openParameters(schema: unknown): Parameters {
  const read = toRows(schema)
  return { view: read ? 'rows' : 'json', rows: read?.rows.toSorted(byNeed) ?? [], rest: read?.rest ?? {}, text: pretty(schema) }
}

/** Switches the view. Undefined when the JSON cannot be shown as rows. */
export function switchView(parameters: Parameters): Parameters | undefined {
  if (parameters.view === 'rows') return { ...parameters, view: 'json', text: pretty(toSchema(parameters)) }
  const read = toRows(parseSchema(parameters.text) ?? 'not an object')
  return read && { view: 'rows', ...read, text: parameters.text }
}

/** The schema that is stored; undefined while the JSON is not an object. */
export function schemaOf(parameters: Parameters): Record<string, unknown> | undefined {
  return parameters.view === 'rows' ? toSchema(parameters) : parseSchema(parameters.text)
}

export function toFunctionForm(record?: FunctionDetail): FunctionForm {
  return {
    name: record?.name ?? '', description: record?.description ?? '', parameters: openParameters(record?.parameters), webhook_url: record?.webhook_url ?? '',
    headers: record?.headers_set ? undefined : [], timeout_ms: record?.timeout_ms ? record.timeout_ms / 1000 : '', async: record?.async ?? false, is_active: record?.is_active ?? true,
  }
}

/** What a save sends: everything for a new function, else what differs from the record. */
export function toFunctionBody(values: FunctionForm, base?: FunctionForm): Record<string, unknown> {
  const whole = (form: FunctionForm): Record<string, unknown> => ({
    name: form.name.trim(), description: form.description.trim(), parameters: schemaOf(form.parameters), webhook_url: form.webhook_url.trim(),
    headers: form.headers && Object.fromEntries(form.headers.map((h) => [h.name.trim(), h.value]).filter(([name]) => name)),
    timeout_ms: form.timeout_ms === '' ? 0 : Math.round(form.timeout_ms * 1000), async: form.async, is_active: form.is_active,
  })
  const body = whole(values)
  const before = base && whole(base)
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== undefined && !(before && same(value, before[name]))))
}

export type FunctionProblem = 'required' | 'name' | 'address' | 'json' | 'rows' | 'headers'

// What language models accept as a function's name; the collection has the same pattern.
const functionName = /^[a-zA-Z0-9_-]{1,64}$/

/** What the server would refuse, by field. */
export function functionProblems(values: FunctionForm): Partial<Record<keyof FunctionForm, FunctionProblem>> {
  const found: Partial<Record<keyof FunctionForm, FunctionProblem>> = {}
  if (!values.name.trim()) found.name = 'required'
  else if (!functionName.test(values.name.trim())) found.name = 'name'
  if (values.webhook_url.trim() && !/^https?:\/\/[^\s/]+/.test(values.webhook_url.trim())) found.webhook_url = 'address'
  if (values.parameters.view === 'json') {
    if (!parseSchema(values.parameters.text)) found.parameters = 'json'
  } else if (rowProblems(values.parameters.rows).size > 0) found.parameters = 'rows'
  if (values.headers?.some((h) => !h.name.trim() && h.value)) found.headers = 'headers'
  return found
}

const labels = {
  name: 'functions.name', description: 'functions.description', parameters: 'functions.parameters.title', webhook_url: 'functions.url',
  headers: 'functions.headers.title', timeout_ms: 'functions.timeout', async: 'functions.async', is_active: 'functions.active',
} as const satisfies Record<keyof FunctionForm, Key>

export const functionForm: EditForm<FunctionDetail, FunctionForm> & NewForm<FunctionForm> = {
  start: toFunctionForm(),
  toForm: toFunctionForm,
  toBody: toFunctionBody,
  label: (name) => labels[name],
  problems: (values, t) => Object.fromEntries(
    Object.entries(functionProblems(values)).map(([name, what]) => [name, t(`functions.problems.${what}`)]),
  ),
}
