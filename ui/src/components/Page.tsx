import { Group, Text, Title } from '@mantine/core'
import { Link, useLocation, useParams } from '@tanstack/react-router'
import { ArrowLeft } from 'lucide-react'
import { useEffect, useRef, type ReactNode } from 'react'
import { useT } from '../lib/i18n'
import { visited } from '../lib/recent'
import { useHere } from '../lib/session'
import { useTitle } from '../lib/title'
import classes from './Page.module.css'

/** Of a form with one column, of a form with more, of a form with tables in it, of lists. */
export type PageSize = 'sm' | 'md' | 'lg' | 'xl'

/** The one way back from a page: to its list, with the filters it had. */
export interface WayBack {
  to: string
  search?: object
  label: string
}

let arrived = false

/**
 * A page inside the shell. It owns the width: one column, which begins at the left and is no wider than can be read. It sets the
 * document's title and moves the focus to its heading on navigation.
 */
export function Page({ title, area, description, back, actions, size = 'xl', children }: {
  title: string
  /** What the page is one of, when that is neither its title nor where it leads back to: for the document's title. */
  area?: string
  description?: ReactNode
  back?: WayBack | undefined
  actions?: ReactNode
  size?: PageSize | undefined
  children: ReactNode
}) {
  const t = useT()
  const { org } = useParams({ strict: false }) as { org?: string }
  const { organization } = useHere()
  const heading = useRef<HTMLHeadingElement>(null)
  useTitle(title, area ?? back?.label, org && organization?.name)
  useEffect(() => {
    // The first page keeps the browser's own start, so that the skip link stays the first stop.
    if (arrived) heading.current?.focus({ preventScroll: true })
    arrived = true
  }, [])
  const { pathname } = useLocation()
  const from = back?.label
  useEffect(() => {
    // A page with a way back is one of something, unless there is nothing of it yet.
    if (org && from && !pathname.endsWith('/new')) visited(org, { path: pathname, title, area: from })
  }, [org, from, pathname, title])
  return (
    <div className={classes.page} style={{ maxWidth: `var(--pl-width-${size})` }}>
      <div className={classes.head} data-back={back !== undefined || undefined}>
        {back && (
          <div className={classes.back}>
            <Link to={back.to} search={(back.search ?? {}) as never} aria-label={t('actions.backTo', { page: back.label })}>
              <ArrowLeft size={16} aria-hidden />
              <span>{back.label}</span>
            </Link>
          </div>
        )}
        <div className={classes.heading}>
          <Title order={1} ref={heading} tabIndex={-1} className="pl-wrap"><bdi>{title}</bdi></Title>
          {description !== undefined && (
            <Text c="dimmed" size="sm" component="div" className={classes.description}>
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs" className={classes.actions}>{actions}</Group>}
      </div>
      {children}
    </div>
  )
}
