/** Only paths of this dashboard are followed after sign-in: a link must not be able to lead elsewhere. */
export function safeNext(value: unknown): string | undefined {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) && !/[\s\\]/.test(value) ? value : undefined
}
