// What the addresses of this area hold. Loaded with the first page, so it imports next to nothing.
import { readSort } from '../../lib/order'
import { typedIn } from '../../lib/search'

export const statuses = ['active', 'inactive', 'training', 'error'] as const
export type Status = (typeof statuses)[number]

/** By name, unless the address says otherwise. */
export const sorts = ['name', '-name', 'status', '-status', 'language', '-language'] as const

export interface AssistantsSearch {
  q?: string
  status?: Status
  sort?: (typeof sorts)[number]
}

/** Reads the list's filters; what is no filter is left out. */
export function readAssistantsSearch(raw: Record<string, unknown>): AssistantsSearch {
  const q = typedIn(raw.q)
  const status = statuses.find((one) => one === raw.status)
  const sort = readSort(raw.sort, sorts)
  return { ...(q && { q }), ...(status && { status }), ...(sort && { sort }) }
}

/** The tabs of an assistant, in order. */
export const tabNames = ['overview', 'behaviour', 'voice', 'functions', 'handoff', 'privacy'] as const
export type Tab = (typeof tabNames)[number]

export const isTab = (name: unknown): name is Tab => tabNames.some((tab) => tab === name)

/** An assistant's page: which tab, and which field of it somebody came to mend. */
export interface AssistantSearch {
  tab?: Tab
  at?: string
}

export function readAssistantSearch(raw: Record<string, unknown>): AssistantSearch {
  return { ...(isTab(raw.tab) && { tab: raw.tab }), ...(typeof raw.at === 'string' && /^[a-z_]{1,40}$/.test(raw.at) && { at: raw.at }) }
}
