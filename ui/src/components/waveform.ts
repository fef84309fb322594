/** Loudness of the two voices over a recording, 0 to 100, at most 800 points each. */
export interface Peaks {
  left?: readonly number[] | null
  right?: readonly number[] | null
}

export const WAVE_WIDTH = 800
export const WAVE_HEIGHT = 100

/**
 * The outline of one voice as an SVG path in a box of WAVE_WIDTH × WAVE_HEIGHT: `up` fills the upper half, else the
 * lower. Silence keeps a hair's width, so that a quiet voice is seen to be there.
 */
export function lanePath(values: readonly number[], up: boolean): string {
  if (values.length === 0) return ''
  const middle = WAVE_HEIGHT / 2
  const step = WAVE_WIDTH / values.length
  // Phone voices are rarely loud: the loudest moment of the two lanes' own scale fills the lane.
  const loudest = Math.max(1, ...values)
  const y = (value: number) => {
    const size = 1 + (Math.max(0, Math.min(value, loudest)) / loudest) * (middle - 5)
    return round(up ? middle - size : middle + size)
  }
  let path = `M0 ${middle}`
  values.forEach((value, i) => {
    path += `H${round(i * step)}V${y(value)}`
  })
  return `${path}H${WAVE_WIDTH}V${middle}Z`
}

const round = (n: number) => Math.round(n * 10) / 10

/** Where in a recording a press at `x` of a box `width` wide leads, in seconds. */
export function timeAt(x: number, width: number, duration: number): number {
  if (width <= 0) return 0
  return Math.max(0, Math.min(1, x / width)) * duration
}
