import type { Client } from './data'

/** What one may look for: those that need somebody, or by how they stand. */
export const states = ['attention', 'active', 'paused', 'suspended', 'closed'] as const
export type State = (typeof states)[number]

/** The columns that order the overview; without one the server's order holds: those that need somebody first. */
export const orders = ['name', 'calls', 'answered', 'open', 'minutes', 'balance', 'incident'] as const

/** The address of the overview. */
export interface AgencySearch {
  q?: string
  state?: State
  /** A column, falling with a minus before it. */
  sort?: string
}

/** Reads the address's query. What is not a choice is left out, never an error. */
export function readAgencySearch(raw: Record<string, unknown>): AgencySearch {
  const text = (name: string) => (typeof raw[name] === 'string' || typeof raw[name] === 'number' ? String(raw[name]) : '')
  const q = text('q').slice(0, 100)
  const state = states.find((one) => one === text('state'))
  const sort = orders.some((one) => one === text('sort').replace('-', '')) ? text('sort') : undefined
  return { ...(q && { q }), ...(state && { state }), ...(sort && { sort }) }
}

/** How a client stands. */
export function stateOf({ status, paused }: Pick<Client, 'status' | 'paused'>): Exclude<State, 'attention'> {
  if (status === 'closed' || status === 'suspended') return status
  return paused ? 'paused' : 'active'
}

export function isIn(state: State | undefined, client: Pick<Client, 'status' | 'paused' | 'attention'>): boolean {
  if (!state) return true
  return state === 'attention' ? client.attention.length > 0 : stateOf(client) === state
}
