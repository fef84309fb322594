import { expect, test, vi } from 'vitest'
import { lanes, play, readHead, startOf } from './sound'

function head(rate = 16_000, channels = 1, bits = 16): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44)
  const view = new DataView(bytes.buffer)
  const put = (at: number, word: string) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)))
  put(0, 'RIFF')
  put(8, 'WAVEfmt ')
  view.setUint16(20, 1, true)
  view.setUint16(22, channels, true)
  view.setUint32(24, rate, true)
  view.setUint16(34, bits, true)
  put(36, 'data')
  return bytes
}

test('the head says how it sounds, and what is no such file is none', () => {
  expect(readHead(head(8_000, 2))).toEqual({ rate: 8_000, channels: 2 })
  for (const wrong of [head().slice(0, 43), head(16_000, 3), head(1, 1), head(16_000, 1, 8), new Uint8Array(44)])
    expect(readHead(wrong)).toBeUndefined()
})

test('lanes that are written in turns are told apart', () => {
  const bytes = new Uint8Array(new Int16Array([16_384, -32_768, 0, 8_192]).buffer)
  expect(lanes(bytes, 2).map((lane) => [...lane])).toEqual([[0.5, 0], [-1, 0.25]])
  expect(lanes(bytes, 1).map((lane) => [...lane])).toEqual([[0.5, -1, 0, 0.25]])
})

test('sound follows sound, begins anew after a gap, and leaves out what came too late', () => {
  expect(startOf(10, 10.3)).toBe(10.3)
  expect(startOf(10, 9)).toBeCloseTo(10.15)
  expect(startOf(10, 11.6)).toBeUndefined()
})

test('a sample that is cut in two by the network is one', async () => {
  const played: number[][] = []
  const context = {
    currentTime: 0, destination: {},
    createBuffer: () => ({ duration: 0.1, copyToChannel: (part: Float32Array) => played.push([...part]) }),
    createBufferSource: () => ({ connect: vi.fn(), start: vi.fn() }),
  } as unknown as AudioContext
  const sound = new Uint8Array([...head(), ...new Uint8Array(new Int16Array([16_384, -16_384]).buffer)])
  const body = new ReadableStream<Uint8Array>({
    start(to) {
      for (const [from, until] of [[0, 20], [20, 45], [45, 47], [47, 48]] as const) to.enqueue(sound.slice(from, until))
      to.close()
    },
  })
  const heard = vi.fn()
  await play(context, body, heard)
  expect(played).toEqual([[0.5], [-0.5]])
  expect(heard).toHaveBeenCalledTimes(2)
})
