import { useLocation } from '@tanstack/react-router'
import { useState } from 'react'

/**
 * The token of a mailed link. It stands in the fragment, which browsers send to no server; "" when there is none. While the next
 * page is on its way the address is already that page's, and the link still this one.
 */
export function useLinkToken(): string {
  const token = new URLSearchParams(useLocation({ select: ({ hash }) => hash })).get('token') ?? ''
  const [kept, keep] = useState(token)
  if (token && token !== kept) keep(token)
  return token || kept
}

/** Whether the server can know the token: what is no token, or says itself that its time is over, need not be asked about. */
export function mayWork(token: string, now = Date.now()): boolean {
  const claims = claimsOf(token)
  return claims !== undefined && !(typeof claims.exp === 'number' && claims.exp * 1000 <= now)
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** The address a mailed link is for, "" when the link does not say. Only for words on the screen: the server reads it for itself. */
export function mailOf(token: string, claim: 'email' | 'newEmail' = 'email'): string {
  const value = claimsOf(token)?.[claim]
  return typeof value === 'string' ? value : ''
}
