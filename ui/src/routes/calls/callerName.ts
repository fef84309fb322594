import { outputs, type Findings } from './analysis'
import type { Line } from './conversation'

// What assistants call the field with the caller's name.
const field = /^(?:(?:caller|customer|client|contact|patient|guest|full|nom)[_\s-]*)*(?:name|nom)(?:[_\s-]*complet)?$/i

const MOST = 60

const word = String.raw`\p{Lu}[\p{L}’'-]*`
const said = new RegExp(
  String.raw`(?:[Mm]y name is|[Mm]y name’s|[Mm]y name's|[Tt]his is|[Jj]e m’appelle|[Jj]e m'appelle|[Mm]on nom est)\s+(${word}(?:[ \u00a0]${word}){0,3})`, 'u',
)

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.trim().length > 1 && value.trim().length <= MOST && /\p{L}/u.test(value) && !/\d/.test(value)

function inside(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || depth > 4) return ''
  const entries = Object.entries(value)
  const own = entries.find(([name, each]) => field.test(name.replace(/([a-z])([A-Z])/g, '$1 $2')) && isName(each))
  if (own) return String(own[1]).trim()
  return entries.map(([, each]) => inside(each, depth + 1)).find(Boolean) ?? ''
}

/** The caller's name, as the analysis has it, else as the caller said it; '' when nobody knows. */
export function callerName(findings: Findings | null | undefined, lines: readonly Pick<Line, 'role' | 'content'>[]): string {
  const found = inside(findings?.structured_data) ||
    outputs(findings?.structured_outputs).map(({ name, result }) => (field.test(name) && isName(result) ? result.trim() : inside(result))).find(Boolean)
  if (found) return found
  for (const { role, content } of lines) {
    const [, name] = role === 'user' ? (said.exec(content) ?? []) : []
    if (name) return name
  }
  return ''
}
