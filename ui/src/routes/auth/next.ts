/** Only paths of this dashboard are followed after sign-in: a link must not be able to lead elsewhere. */
export function safeNext(value: unknown): string | undefined {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) && !/[\s\\]/.test(value) ? value : undefined
}

/** The way on after sign-in with the fragment it came with, where the token of a link stays; undefined when there is no way on. */
export function onward(next: string | undefined, hash: string): string | undefined {
  return next && hash && !next.includes('#') ? `${next}#${hash}` : next
}
