import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Gauge } from 'lucide-react'
import type { ReactNode } from 'react'
import { StatusBadge } from '../../components/StatusBadge'
import { number } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useOrg } from '../../lib/session'
import { isNothing, outputs, pairs, verdict, words } from './analysis'
import { Block } from './Block'
import classes from './Call.module.css'
import { reportQuery, type CallDetail } from './data'

/** What the provider's models found in the call. Nothing where they found nothing. */
export function Analysis({ call }: { call: CallDetail }) {
  const t = useT()
  const { data: report } = useQuery({ ...reportQuery(useOrg(), call.id), enabled: Boolean(call.reported_at) })
  const judged = verdict(report?.analysis?.success_evaluation)
  // The mood stands among the call's facts.
  const found = pairs(report?.analysis?.structured_data).filter(
    ([name, value]) => name !== 'sentiment' || String(value).toLowerCase() !== call.sentiment,
  )
  const answers = outputs(report?.analysis?.structured_outputs)
  if (judged === undefined && found.length === 0 && answers.length === 0) return null
  return (
    <Block title={t('calls.analysis.title')}>
      <Stack gap="md">
        {(judged !== undefined || found.length > 0) && (
          <dl className={classes.facts}>
            {judged !== undefined && (
              <Pair label={t('calls.analysis.goal')} long={typeof judged === 'string' && judged.length > LONG}>
                {judged === true ? <StatusBadge icon={CircleCheck} tone="good" label={t('calls.analysis.reached')} />
                  : judged === false ? <StatusBadge icon={CircleX} tone="warn" label={t('calls.analysis.missed')} />
                    : judged.length > LONG ? judged : <StatusBadge icon={Gauge} tone="off" label={judged} />}
              </Pair>
            )}
            {found.map(([name, value]) => (
              <Found
                key={name}
                label={name === 'intent' ? t('calls.analysis.intent') : name ? words(name) : t('calls.analysis.found')}
                value={value}
                depth={0}
              />
            ))}
          </dl>
        )}
        {answers.map(({ id, name, result }) => (
          <section key={id}>
            <Title order={3} size="h5" mb="xs">{name || t('calls.analysis.found')}</Title>
            <dl className={classes.facts}>
              {pairs(result).map(([key, value]) => (
                <Found key={key} label={key ? words(key) : t('calls.analysis.answer')} value={value} depth={0} />
              ))}
            </dl>
          </section>
        ))}
        <Text size="xs" c="dimmed">{t('calls.analysis.hint')}</Text>
      </Stack>
    </Block>
  )
}

// A longer text stands below its name.
const LONG = 28
// Deeper than anybody reads; what an assistant asks for comes from outside.
const DEEPEST = 5

function Pair({ label, long, children }: { label: string; long: boolean; children: ReactNode }) {
  return <div className={long ? classes.long : undefined}><dt>{label}</dt><dd>{children}</dd></div>
}

/** One value of a shape nobody knows: texts as they are, short lists in a line, everything else folded. */
function Found({ label, value, depth }: { label: string; value: unknown; depth: number }) {
  const t = useT()
  const text = useSimple()(value)
  if (text !== undefined) return <Pair label={label} long={text.length > LONG}>{text}</Pair>
  const items = Array.isArray(value) ? value.filter((item) => !isNothing(item)) : undefined
  const inside = items ?? pairs(value)
  return (
    <div className={classes.long}>
      <dt>{label}</dt>
      <dd>
        {depth >= DEEPEST ? JSON.stringify(value) : (
          <details className={classes.nested}>
            <summary>{t(items ? 'calls.analysis.items' : 'calls.analysis.fields', { count: inside.length })}</summary>
            <dl className={classes.facts}>
              {items
                ? items.map((item, i) => <Found key={i} label={number(i + 1)} value={item} depth={depth + 1} />)
                : pairs(value).map(([name, each]) => (
                    <Found key={name} label={words(name)} value={each} depth={depth + 1} />
                  ))}
            </dl>
          </details>
        )}
      </dd>
    </div>
  )
}

/** The text of a value that needs no folding; undefined for the others. */
function useSimple(): (value: unknown) => string | undefined {
  const t = useT()
  const simple = (value: unknown): string | undefined => {
    // A code, such as book_appointment, is said in words.
    if (typeof value === 'string') return /^[a-z\d]+([_-][a-z\d]+)+$/.test(value) && !/^[\d-]+$/.test(value) ? words(value) : value
    if (typeof value === 'number') return number(value)
    if (typeof value === 'boolean') return t(value ? 'calls.analysis.yes' : 'calls.analysis.no')
    if (!Array.isArray(value)) return undefined
    const texts = value
      .filter((item) => !isNothing(item))
      .map((item) => (Array.isArray(item) ? undefined : simple(item)))
    return texts.every((text) => text !== undefined) ? texts.join(', ') : undefined
  }
  return simple
}
