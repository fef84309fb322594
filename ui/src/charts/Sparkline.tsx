/** A row of small bars without axes: only the shape matters, the number stands beside it. */
export function Sparkline({
  values,
  label,
  width = 72,
  height = 22,
}: {
  values: readonly number[]
  label: string
  width?: number
  height?: number
}) {
  const most = Math.max(1, ...values)
  const step = width / Math.max(1, values.length)
  return (
    <svg
      role="img"
      aria-label={label}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      style={{ display: 'block', flexShrink: 0 }}
    >
      {values.map((value, index) => {
        const tall = value > 0 ? Math.max(2, (value / most) * height) : 1
        // oxlint-disable-next-line react/no-array-index-key -- days in their order
        return (
          <rect
            key={index}
            x={index * step + 1}
            y={height - tall}
            width={Math.max(1, step - 2)}
            height={tall}
            rx={1}
            fill={value > 0 ? 'var(--pl-chart-answered)' : 'var(--pl-border)'}
          />
        )
      })}
    </svg>
  )
}
