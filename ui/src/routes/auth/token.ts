import { useLocation } from '@tanstack/react-router'

/** The token of a mailed link. It stands in the fragment, which browsers send to no server; "" when there is none. */
export function useLinkToken(): string {
  return new URLSearchParams(useLocation({ select: ({ hash }) => hash })).get('token') ?? ''
}

/** The address a mailed link is for, "" when the link does not say. Only for words on the screen: the server reads it for itself. */
export function mailOf(token: string, claim: 'email' | 'newEmail' = 'email'): string {
  try {
    const value = (JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, unknown>)[claim]
    return typeof value === 'string' ? value : ''
  } catch {
    return ''
  }
}
