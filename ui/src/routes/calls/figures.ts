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
