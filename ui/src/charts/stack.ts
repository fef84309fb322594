/**
 * Places the parts of each column above each other in a box `height` high, the highest column filling it. What is not
 * nothing is never thinner than can be seen.
 */
export function stack(columns: readonly (readonly number[])[], height: number): { y: number; height: number }[][] {
  const seen = height / 50
  const highest = Math.max(1, ...columns.map((values) => values.reduce((sum, value) => sum + value, 0)))
  return columns.map((values) => {
    let top = height
    return values.map((value) => {
      const size = value > 0 ? Math.max(seen, (value / highest) * height) : 0
      top = Math.max(0, top - size)
      return { y: top, height: size }
    })
  })
}
