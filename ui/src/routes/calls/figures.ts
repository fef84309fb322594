import { number } from '../../lib/format'

/** US dollars, as the provider bills, to a hundredth of a cent where that matters. */
export function dollars(amount: number): string {
  return number(amount, { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: amount !== 0 && Math.abs(amount) < 1 ? 4 : 2 })
}

const billed = ['transport', 'transcription', 'llm', 'tts', 'vapi', 'analysis', 'other'] as const

/** The parts of a bill that cost something, the largest first. */
export function shares(breakdown: Record<string, number> | undefined): { id: (typeof billed)[number]; value: number }[] {
  return billed.flatMap((id) => {
    const value = breakdown?.[id]
    return typeof value === 'number' && value > 0 ? [{ id, value }] : []
  }).sort((a, b) => b.value - a.value)
}

const waited = ['endpointing', 'transcriber', 'model', 'voice'] as const

/** How long an answer took on average and where the time went, in milliseconds; undefined when it was not measured. */
export function waits(performance: Record<string, unknown> | null | undefined): { turn: number; parts: { id: (typeof waited)[number]; value: number }[] } | undefined {
  const average = (name: string) => {
    const value = performance?.[`${name}LatencyAverage`]
    return typeof value === 'number' && value > 0 ? value : undefined
  }
  const turn = average('turn')
  if (turn === undefined) return undefined
  return { turn, parts: waited.flatMap((id) => (average(id) === undefined ? [] : [{ id, value: average(id)! }])) }
}

/** A line of the provider's bill. */
export interface BillLine {
  type: string
  /** What an analysis was for. */
  kind: string
  /** Who did it and with what, as the provider names them. */
  by: string
  used: { unit: 'minutes' | 'tokens' | 'characters'; amount: number } | undefined
  /** US dollars. */
  cost: number
}

/** The lines of a bill in the provider's order; what is not one is left out. */
export function billLines(items: unknown): BillLine[] {
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return []
    const line = item as Record<string, unknown>
    const text = (name: string) => (typeof line[name] === 'string' ? line[name] : '')
    const amount = (name: string) => (typeof line[name] === 'number' && line[name] > 0 ? line[name] : 0)
    if (!text('type') || typeof line.cost !== 'number') return []
    const tokens = amount('promptTokens') + amount('completionTokens')
    const used: BillLine['used'] = amount('minutes') ? { unit: 'minutes', amount: amount('minutes') }
      : amount('characters') ? { unit: 'characters', amount: amount('characters') }
        : tokens ? { unit: 'tokens', amount: tokens } : undefined
    return [{ type: text('type'), kind: text('analysisType'), by: [text('provider'), text('model')].filter(Boolean).join(' · '), used, cost: line.cost }]
  })
}
