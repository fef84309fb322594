import { ActionIcon, Button, Menu } from '@mantine/core'
import { Bookmark, BookmarkPlus, Check, ChevronDown, Pencil } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { today } from '../../lib/days'
import { useT } from '../../lib/i18n'
import { freshPreferences } from '../../lib/profile'
import { useNarrow } from '../../lib/narrow'
import { useHere, useOrg } from '../../lib/session'
import classes from './Calls.module.css'
import type { CallFilters } from './filters'
import { useViews } from './useViews'
import { readyViews, same, viewOf, VIEWS_MAX } from './views'

const SaveView = lazy(() => import('./ViewDialogs').then((m) => ({ default: m.SaveView })))
const ManageViews = lazy(() => import('./ViewDialogs').then((m) => ({ default: m.ManageViews })))

/** The views a person saved: one press shows the list as it was named. */
export function Views({ filters, onChange }: { filters: CallFilters; onChange: (filters: CallFilters) => void }) {
  const t = useT()
  const narrow = useNarrow()
  const views = useViews(useOrg())
  const [dialog, setDialog] = useState<'save' | 'manage'>()
  const current = viewOf(views, filters)
  const nothing = Object.keys(filters).length === 0
  const full = views.length >= VIEWS_MAX
  return (
    <>
      {/* Views that another browser saved are there when somebody looks; without an answer the known ones stay. */}
      <Menu position="bottom-start" onOpen={() => void freshPreferences().catch(() => undefined)}>
        <Menu.Target>
          {narrow ? (
            <ActionIcon
              variant={current ? 'light' : 'default'}
              size={36}
              aria-label={current ? t('calls.views.current', { name: current.name }) : t('calls.views.title')}
            >
              <Bookmark size={16} aria-hidden />
            </ActionIcon>
          ) : (
            <Button
              variant="default"
              className={classes.view}
              leftSection={<Bookmark size={16} aria-hidden />}
              rightSection={<ChevronDown size={14} aria-hidden />}
              aria-label={current && t('calls.views.current', { name: current.name })}
            >
              {current?.name ?? t('calls.views.title')}
            </Button>
          )}
        </Menu.Target>
        <Menu.Dropdown className={classes.views}>
          {views.map((view) => (
            <Menu.Item
              key={view.id}
              aria-current={view === current || undefined}
              leftSection={view === current ? <Check size={16} aria-hidden /> : <span className={classes.unticked} />}
              onClick={() => onChange(view.filters)}
            >
              <bdi className="pl-wrap">{view.name}</bdi>
            </Menu.Item>
          ))}
          {views.length > 0 && <Menu.Divider />}
          <Menu.Item
            leftSection={<BookmarkPlus size={16} aria-hidden />}
            disabled={nothing || current !== undefined}
            onClick={() => setDialog('save')}
          >
            {t('calls.views.save')}
          </Menu.Item>
          {views.length > 0 && (
            <Menu.Item leftSection={<Pencil size={16} aria-hidden />} onClick={() => setDialog('manage')}>
              {t('calls.views.manage')}
            </Menu.Item>
          )}
          {(nothing || (full && !current)) && (
            <Menu.Label className={classes.hint}>
              {t(nothing ? 'calls.views.nothing' : 'calls.views.full', { count: VIEWS_MAX })}
            </Menu.Label>
          )}
        </Menu.Dropdown>
      </Menu>
      <Suspense>
        {dialog === 'save' && <SaveView filters={filters} onClose={() => setDialog(undefined)} />}
        {dialog === 'manage' && <ManageViews onClose={() => setDialog(undefined)} />}
      </Suspense>
    </>
  )
}

/** The lists people ask for most, a press each. */
export function ReadyViews({ filters, onChange }: { filters: CallFilters; onChange: (filters: CallFilters) => void }) {
  const t = useT()
  const { organization } = useHere()
  return (
    <div className={classes.ready} role="group" aria-label={t('calls.views.ready')}>
      {readyViews(today(organization?.timezone)).map((view) => {
        const on = same(view.filters, filters)
        return (
          <Button
            key={view.id}
            size="compact-xs"
            h={26}
            radius="xl"
            variant={on ? 'light' : 'default'}
            aria-pressed={on}
            onClick={() => onChange(view.filters)}
          >
            {t(`calls.views.readyNames.${view.id}`)}
          </Button>
        )
      })}
    </div>
  )
}
