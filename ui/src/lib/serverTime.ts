// The clock of a call counts from a moment of the server's clock, and this device's may be minutes off.

// Answers say whole seconds, and take a moment to come.
const NOTHING_MS = 2_000

let ahead = -Infinity

/** Takes the time an answer was sent at. It is old when it is read, never young: the latest of all is the nearest. */
export function serverSaid(date: string | null | undefined, now = Date.now()): void {
  const sent = Date.parse(date ?? '')
  if (!Number.isNaN(sent)) ahead = Math.max(ahead, sent - now)
}

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(now = Date.now()): number {
  return Number.isFinite(ahead) && Math.abs(ahead) > NOTHING_MS ? now + ahead : now
}
