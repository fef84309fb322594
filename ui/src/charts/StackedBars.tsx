import { useState, type KeyboardEvent, type ReactNode } from 'react'
import { number } from '../lib/format'
import { useT } from '../lib/i18n'
import { stack } from './stack'
import classes from './StackedBars.module.css'

export interface Series {
  id: string
  label: string
  /** A CSS colour; the text beside it says what it is. */
  color: string
}

export interface Column {
  id: string
  /** Under the column. */
  label: string
  /** In full: in the sentence and the table. */
  name: string
  values: Record<string, number>
}

const HEIGHT = 100

/** Amounts of a few kinds over time, one column a step. Arrow keys walk the columns; the same numbers stand in a table below. */
export function StackedBars({
  caption,
  series,
  columns,
  actions,
}: {
  caption: string
  series: readonly Series[]
  columns: readonly Column[]
  actions?: ReactNode
}) {
  const t = useT()
  const [chosen, setChosen] = useState<number>()
  const bars = stack(
    columns.map((column) => series.map(({ id }) => column.values[id] ?? 0)),
    HEIGHT,
  )
  const sentence = (column: Column) =>
    t('chart.column', {
      name: column.name,
      values: series.map(({ id, label }) => `${label} ${number(column.values[id] ?? 0)}`).join(', '),
    })
  const current = chosen !== undefined ? columns[chosen] : undefined
  const onKey = (event: KeyboardEvent) => {
    const last = columns.length - 1
    const at = chosen ?? last
    const next = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last }[
      event.key
    ]
    if (next === undefined) return
    event.preventDefault()
    setChosen(Math.max(0, Math.min(last, next)))
  }
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.head}>
        <strong>{caption}</strong>
        {actions}
      </figcaption>
      {/* A slider is what screen readers read aloud at each arrow key. */}
      <div
        className={classes.columns}
        role="slider"
        tabIndex={0}
        aria-label={caption}
        aria-valuemin={1}
        aria-valuemax={columns.length}
        aria-valuenow={(chosen ?? columns.length - 1) + 1}
        aria-valuetext={sentence(current ?? columns.at(-1)!)}
        onKeyDown={onKey}
        onFocus={() => setChosen((at) => at ?? columns.length - 1)}
        onBlur={() => setChosen(undefined)}
        onMouseLeave={() => setChosen(undefined)}
      >
        {columns.map((column, i) => (
          <div
            key={column.id}
            className={classes.column}
            data-chosen={chosen === i || undefined}
            onMouseEnter={() => setChosen(i)}
          >
            <svg
              viewBox={`0 0 100 ${HEIGHT}`}
              preserveAspectRatio="none"
              aria-hidden
              focusable="false"
              className={classes.bars}
            >
              {bars[i]!.map(
                (bar, s) =>
                  bar.height > 0 && (
                    <rect
                      key={series[s]!.id}
                      x="6"
                      width="88"
                      y={bar.y}
                      height={bar.height}
                      style={{ fill: series[s]!.color }}
                    />
                  ),
              )}
              <rect x="0" width="100" y={HEIGHT - 0.6} height="0.6" style={{ fill: 'var(--pl-border)' }} />
            </svg>
            <span className={classes.name} aria-hidden>{column.label}</span>
          </div>
        ))}
      </div>
      <div className={classes.readout} aria-hidden>
        {current ? sentence(current) : (
          <ul className={classes.legend}>
            {series.map(({ id, label, color }) => (
              <li key={id}>
                <span className={classes.key} style={{ background: color }} />
                {label}
              </li>
            ))}
          </ul>
        )}
      </div>
      <details className={classes.twin}>
        <summary>{t('chart.table')}</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('chart.day')}</th>
              {series.map(({ id, label }) => (
                <th key={id} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <tr key={column.id}>
                <th scope="row">{column.name}</th>
                {series.map(({ id }) => (
                  <td key={id} className="pl-tabular">
                    {number(column.values[id] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  )
}
