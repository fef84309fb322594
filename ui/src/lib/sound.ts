/** How a sound is written down: samples a second, and lanes. */
export interface Wave {
  rate: number
  channels: number
}

const HEAD = 44
// So much is kept ready before the first sound, for a network that hesitates.
const AHEAD_S = 0.15
// Who is further behind what is being said leaves something out.
const BEHIND_S = 1.5

/** The head of a WAV file of 16 bits whose length nobody knows yet; undefined when it is none. */
export function readHead(bytes: Uint8Array): Wave | undefined {
  if (bytes.length < HEAD) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD)
  const word = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4))
  const [channels, rate] = [view.getUint16(22, true), view.getUint32(24, true)]
  const pcm = word(0) === 'RIFF' && word(8) === 'WAVE' && view.getUint16(20, true) === 1 && view.getUint16(34, true) === 16
  return pcm && (channels === 1 || channels === 2) && rate >= 8_000 && rate <= 96_000 ? { rate, channels } : undefined
}

/** The samples of each lane, from −1 to 1. */
export function lanes(bytes: Uint8Array, channels: number): Float32Array<ArrayBuffer>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = Math.floor(bytes.length / 2 / channels)
  return Array.from({ length: channels }, (_, lane) =>
    Float32Array.from({ length: count }, (_n, i) => view.getInt16(2 * (i * channels + lane), true) / 32_768))
}

/** When the next stretch of sound begins; undefined when it is left out, to be with what is said now. */
export function startOf(now: number, end: number): number | undefined {
  if (end - now > BEHIND_S) return undefined
  return end > now ? end : now + AHEAD_S
}

function schedule(context: AudioContext, bytes: Uint8Array, { rate, channels }: Wave, end: number): number {
  const start = startOf(context.currentTime, end)
  if (start === undefined) return end
  const parts = lanes(bytes, channels)
  const buffer = context.createBuffer(channels, parts[0]!.length, rate)
  parts.forEach((part, lane) => buffer.copyToChannel(part, lane))
  const source = context.createBufferSource()
  source.buffer = buffer
  source.connect(context.destination)
  source.start(start)
  return start + buffer.duration
}

/** Plays a sound as it comes, until there is no more of it. `onSound` hears of each stretch. */
export async function play(context: AudioContext, body: ReadableStream<Uint8Array>, onSound: () => void): Promise<void> {
  const reader = body.getReader()
  let rest = new Uint8Array()
  let wave: Wave | undefined
  let end = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const all = new Uint8Array(rest.length + value.length)
    all.set(rest)
    all.set(value, rest.length)
    rest = all
    if (!wave) {
      if (rest.length < HEAD) continue
      wave = readHead(rest)
      if (!wave) throw new Error('The sound cannot be read.')
      rest = rest.slice(HEAD)
    }
    const whole = rest.length - (rest.length % (2 * wave.channels))
    if (whole === 0) continue
    end = schedule(context, rest.subarray(0, whole), wave, end)
    rest = rest.slice(whole)
    onSound()
  }
}
