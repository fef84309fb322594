import { useInfiniteQuery } from '@tanstack/react-query'
import { api } from '../../lib/api'
import { capabilities, type Capability, type Role } from '../../lib/permissions'
import type { TeamSearch } from './routes'

/** A row of the team: a member, or an invitation that nobody has accepted yet. */
export type Member = {
  id: string
  user_id: string | null
  full_name: string
  email: string
  role: Role
  department: string | null
  status: 'active' | 'inactive' | 'invited' | 'suspended'
  last_active_at: string | null
  expires_at: string | null
} & Partial<Record<Capability, boolean>>

interface Answer {
  members: Member[]
  pagination: { page: number; limit: number; total: number; totalPages: number }
}

/** What happened to an invitation: mailed, or a link to hand over and why. */
export interface Invited {
  email: string
  emailSent: boolean
  inviteLink?: string
  reason?: string
}

const LIMIT = 50

/** Members and open invitations in one list, page by page. */
export function useTeam(organization: string, search: TeamSearch) {
  const { q, role, status, department } = search
  return useInfiniteQuery({
    queryKey: [organization, 'memberships', 'team', { q, role, status, department }],
    meta: { collections: ['invitations', 'users'] },
    initialPageParam: 1,
    queryFn: async ({ pageParam, signal }) => {
      const answer = await api.get<Answer>('/api/team-members', { signal, query: { organization, page: pageParam, limit: LIMIT, search: q, role, status, department } })
      return { items: answer.members, page: answer.pagination.page, pages: answer.pagination.totalPages, total: answer.pagination.total }
    },
    getNextPageParam: (last) => (last.page < last.pages ? last.page + 1 : undefined),
  })
}

/** Roles a person can be given, most powerful first. */
export const teamRoles = ['owner', 'admin', 'manager', 'agent', 'viewer', 'developer'] as const
export type TeamRole = (typeof teamRoles)[number]

const usual: Record<TeamRole, readonly Capability[]> = {
  owner: capabilities,
  admin: capabilities,
  manager: ['can_access_analytics', 'can_manage_agents', 'can_view_calls', 'can_view_messages', 'can_view_emails'],
  agent: ['can_view_calls', 'can_view_messages', 'can_view_emails'],
  viewer: ['can_access_analytics', 'can_view_calls', 'can_view_messages', 'can_view_emails'],
  developer: ['can_manage_integrations', 'can_access_analytics'],
}

/** What a person in this role usually needs, as far as the one who grants it holds it too. */
export function usualFlags(role: TeamRole, holds: (capability: Capability) => boolean): Record<Capability, boolean> {
  return Object.fromEntries(capabilities.map((c) => [c, usual[role].includes(c) && holds(c)])) as Record<Capability, boolean>
}

const good = (address: string) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)

/** The addresses in a text: one a line, or between commas, semicolons and spaces; each once. "Ada <ada@x.org>" is ada@x.org. */
export function readAddresses(text: string): { addresses: string[]; wrong: string[] } {
  const parts = text.split(/[\n,;]+/).map((part) => /<([^<>]+)>/.exec(part)?.[1] ?? part).flatMap((part) => part.trim().split(/\s+/)).filter(Boolean)
  const seen = new Map(parts.map((part) => [part.toLowerCase(), part]))
  const all = [...seen.values()]
  return { addresses: all.filter(good), wrong: all.filter((address) => !good(address)) }
}

/** A name to begin with, from an address: "jane.doe@x.org" is Jane Doe. The person corrects it when accepting. */
export function nameFrom(address: string): string {
  const words = address.split('@')[0]!.split('+')[0]!.split(/[._-]+/).filter(Boolean)
  return words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join(' ') || address
}
