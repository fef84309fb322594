import { Suspense, useSyncExternalStore, type ReactNode } from 'react'
import { lazily } from '../lib/code'

const ConfirmDialog = lazily(() => import('./ConfirmDialog').then((m) => m.ConfirmDialog))

export interface Question {
  title: string
  body: ReactNode
  /** The button's verb: "Release number", never "OK". */
  action: string
  danger?: boolean
  /** Must be typed to go on; only for what cannot be undone and costs. */
  typed?: string
}

interface Asked extends Question {
  answer: (yes: boolean) => void
}

let asked: Asked | undefined
const listeners = new Set<() => void>()
const set = (next: Asked | undefined) => {
  asked = next
  for (const listener of listeners) listener()
}

/** Asks before doing. Resolves to true only when the action's own button was pressed. */
export function confirm(question: Question): Promise<boolean> {
  asked?.answer(false)
  return new Promise((resolve) => set({ ...question, answer: resolve }))
}

/** Shows the question that `confirm` asks; mounted once. */
export function ConfirmHost() {
  const question = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => asked,
  )
  const close = (yes: boolean) => {
    question?.answer(yes)
    set(undefined)
  }
  if (!question) return null
  return <Suspense><ConfirmDialog question={question} close={close} /></Suspense>
}
