import classes from './BarList.module.css'

/** Amounts as bars behind their names, the largest full. The amounts are there as text, so it is its own table. */
export function BarList({
  label,
  rows,
}: {
  label: string
  rows: readonly { id: string; label: string; value: number; text: string }[]
}) {
  const most = Math.max(...rows.map((row) => row.value), Number.EPSILON)
  return (
    <ul className={classes.list} aria-label={label}>
      {rows.map((row) => (
        <li key={row.id} className={classes.row}>
          <span className={classes.bar} aria-hidden style={{ width: `${(Math.max(0, row.value) / most) * 100}%` }} />
          <span>{row.label}</span>
          <span className="pl-tabular">{row.text}</span>
        </li>
      ))}
    </ul>
  )
}
