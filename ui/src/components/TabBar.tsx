import { NativeSelect, Tabs } from '@mantine/core'
import '@mantine/core/styles/Tabs.layer.css'
import { TriangleAlert } from 'lucide-react'
import { useNarrow } from '../lib/narrow'
import { BESIDE } from './SubNav'
import classes from './SubNav.module.css'

export interface TabName<V extends string> {
  value: V
  label: string
  /** Something in it was refused. */
  wrong?: boolean
}

/** The tabs of one page, inside `Tabs`: they look like the pages of an area, and many of them become a select on a phone. */
export function TabBar<V extends string>({ label, tabs, value, onChange }: {
  label: string
  tabs: readonly TabName<V>[]
  value: V
  onChange: (value: V) => void
}) {
  if (useNarrow() && tabs.length > BESIDE) {
    return (
      <NativeSelect
        aria-label={label}
        value={value}
        data={tabs.map(({ value, label, wrong }) => ({ value, label: wrong ? `${label} ⚠` : label }))}
        onChange={(event) => onChange(event.currentTarget.value as V)}
      />
    )
  }
  return (
    <Tabs.List aria-label={label} className={classes.nav}>
      {tabs.map(({ value, label, wrong }) => (
        <Tabs.Tab
          key={value}
          value={value}
          className={classes.link}
          rightSection={wrong ? <TriangleAlert size={14} aria-hidden color="var(--mantine-color-error)" /> : undefined}
        >
          {label}
        </Tabs.Tab>
      ))}
    </Tabs.List>
  )
}
