// An authenticator app (RFC 6238): the code of a secret, and the patience to wait for one that was not used yet.
import { createHmac } from 'node:crypto'

const STEP_S = 30

/** The code an app shows in a step of 30 seconds. */
export function codeOf(secret, step) {
  const bits = [...secret.replaceAll(/[\s=]/g, '').toUpperCase()].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', key).update(counter).digest()
  return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** An app with a secret. Each code works once, and the server takes the step after its own too: so two codes in a row are there at once. */
export function authenticator(secret) {
  const now = () => Date.now() / 1000 / STEP_S
  let last = Math.floor(now()) - 1
  return {
    async next() {
      last = Math.max(last + 1, Math.floor(now()))
      // oxlint-disable-next-line no-await-in-loop -- there is nothing to do but wait for the clock
      while (last > now() + 1) await new Promise((r) => setTimeout(r, (last - 1 - now()) * STEP_S * 1000 + 50))
      return codeOf(secret, last)
    },
    last: () => codeOf(secret, last),
  }
}
