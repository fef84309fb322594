import { Text } from '@mantine/core'
import { number } from '../../lib/format'
import { useT, type T } from '../../lib/i18n'
import { words } from './analysis'
import classes from './Call.module.css'
import { billLines, dollars, type BillLine } from './figures'

// The provider's names of what it bills, as the parts above are called.
const named: Record<string, 'transport' | 'transcription' | 'llm' | 'tts' | 'vapi' | 'analysis'> = {
  transport: 'transport', transcriber: 'transcription', model: 'llm', voice: 'tts', vapi: 'vapi', analysis: 'analysis',
}
const analyses = ['summary', 'structuredData', 'successEvaluation', 'structuredOutput'] as const

function title({ type, kind }: BillLine, t: T): string {
  const known = analyses.find((one) => one === kind)
  if (type === 'analysis' && known) return t(`calls.costs.analyses.${known}`)
  return named[type] ? t(`calls.costs.${named[type]}`) : words(kind || type)
}

/** Every line of the provider's bill, folded: the parts above are what most people want. Nothing where there is none. */
export function Bill({ items, total }: { items: unknown; total: number }) {
  const t = useT()
  const lines = billLines(items)
  if (lines.length === 0) return null
  return (
    <details className={classes.nested}>
      <summary>{t('calls.costs.lines', { count: lines.length })}</summary>
      <table className={classes.bill} aria-label={t('calls.costs.lines', { count: lines.length })}>
        <tbody>
          {lines.map((line, i) => (
            <tr key={i}>
              <th scope="row">
                {title(line, t)}
                {line.by && (
                  <Text span size="xs" c="dimmed" display="block">
                    {line.by}
                  </Text>
                )}
                {line.used && (
                  <Text span size="xs" c="dimmed" display="block" className="pl-tabular">
                    {t(`calls.costs.used.${line.used.unit}`, {
                      amount: number(line.used.amount, { maximumFractionDigits: line.used.unit === 'minutes' ? 2 : 0 }),
                    })}
                  </Text>
                )}
              </th>
              <td className="pl-tabular">{dollars(line.cost)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('calls.costs.total')}</th>
            <td className="pl-tabular">{dollars(total)}</td>
          </tr>
        </tfoot>
      </table>
    </details>
  )
}
