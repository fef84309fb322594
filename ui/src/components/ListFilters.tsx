import { ActionIcon, Badge, Button, Drawer, Group, VisuallyHidden } from '@mantine/core'
import '@mantine/core/styles/Drawer.layer.css'
import { ListFilter } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { useFocusBack } from '../lib/focus'
import { useT } from '../lib/i18n'
import { useNarrow } from '../lib/narrow'
import classes from './ListFilters.module.css'

/** What narrows a list: in one line with the search, on a phone in a sheet behind one button. */
export function ListFilters({ label, search, active, onClear, beside, children }: {
  label: string
  search?: ReactNode
  /** How many filters are set, the search not being one. */
  active: number
  /** Takes the filters off and leaves the search. */
  onClear: () => void
  /** What stands beside the filters on every screen. */
  beside?: ReactNode
  /** The filters themselves. */
  children: ReactNode
}) {
  const t = useT()
  const narrow = useNarrow()
  const [open, setOpen] = useState(false)
  const shown = open && narrow
  useFocusBack(shown)
  const clear = active > 0 && (
    <Button variant="subtle" color="gray" onClick={onClear}>
      {t('states.noMatch.clear')}
    </Button>
  )
  if (!narrow)
    return (
      <div className={classes.line} role="search" aria-label={label}>
        {search}
        {children}
        {beside}
        {clear}
      </div>
    )
  return (
    <>
      <div className={classes.line} role="search" aria-label={label}>
        {search}
        <ActionIcon
          variant="default"
          size={36}
          className={classes.button}
          aria-haspopup="dialog"
          aria-expanded={shown}
          onClick={() => setOpen(true)}
        >
          <ListFilter size={16} aria-hidden />
          <VisuallyHidden>{t('filters.title')}</VisuallyHidden>
          {active > 0 && <Badge circle size="sm" className={classes.count}>{active}</Badge>}
        </ActionIcon>
        {beside}
      </div>
      <Drawer
        opened={shown}
        onClose={() => setOpen(false)}
        position="bottom"
        padding="md"
        classNames={{ content: classes.sheet }}
        title={t('filters.title')}
        closeButtonProps={{ 'aria-label': t('actions.close') }}
      >
        <div className={classes.body}>
          {children}
          <Group grow mt="xs">
            {clear}
            <Button onClick={() => setOpen(false)}>{t('filters.show')}</Button>
          </Group>
        </div>
      </Drawer>
    </>
  )
}
