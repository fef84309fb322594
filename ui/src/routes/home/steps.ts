import type { HomeAnswer } from './data'

/** What is to be done before the phone is answered, in order, and the proof that it is. */
export const stepNames = ['assistant', 'number', 'call'] as const
export type StepName = (typeof stepNames)[number]

/** Reports whether nothing of it is left, by the lines and the calls alone: then nobody need count the assistants. */
export function isUnderWay(lines: HomeAnswer['lines'], called: boolean): boolean {
  return called && lines.some((line) => line.assistant !== '')
}

/** The step that is next; undefined once somebody has called. */
export function nextStep({ assistants, lines, called }: {
  assistants: number
  lines: HomeAnswer['lines']
  called: boolean
}): StepName | undefined {
  if (assistants === 0) return 'assistant'
  if (lines.length === 0) return 'number'
  return called ? undefined : 'call'
}
