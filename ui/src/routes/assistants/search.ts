// What the addresses of this area hold. Loaded with the first page, so it imports nothing.

export const statuses = ['active', 'inactive', 'training', 'error'] as const
export type Status = (typeof statuses)[number]

export interface AssistantsSearch {
  q?: string
  status?: Status
}

// A longer search comes from a wrong paste.
const SEARCH_MAX = 100

/** Reads the list's filters; what is no filter is left out. */
export function readAssistantsSearch(raw: Record<string, unknown>): AssistantsSearch {
  // Digits alone arrive as a number.
  const q = typeof raw.q === 'string' || typeof raw.q === 'number' ? String(raw.q).slice(0, SEARCH_MAX) : ''
  const status = statuses.find((one) => one === raw.status)
  return { ...(q && { q }), ...(status && { status }) }
}

/** The tabs of an assistant, in order. */
export const tabNames = ['overview', 'behaviour', 'voice', 'functions', 'handoff', 'privacy'] as const
export type Tab = (typeof tabNames)[number]

export const isTab = (name: unknown): name is Tab => tabNames.some((tab) => tab === name)
