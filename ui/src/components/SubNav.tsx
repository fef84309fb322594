import { NativeSelect } from '@mantine/core'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { useNarrow } from '../lib/narrow'
import classes from './SubNav.module.css'

export interface SubPage {
  to: string
  label: string
}

// More than these do not fit beside each other on a phone.
export const BESIDE = 3

/** The pages of one area, side by side; many of them become a select on a phone. */
export function SubNav({ label, pages }: { label: string; pages: readonly SubPage[] }) {
  const narrow = useNarrow()
  const navigate = useNavigate()
  const { pathname } = useLocation()
  if (narrow && pages.length > BESIDE) {
    return (
      <nav aria-label={label}>
        <NativeSelect
          aria-label={label}
          value={pathname.replace(/\/$/, '')}
          data={pages.map(({ to, label }) => ({ value: to, label }))}
          onChange={(event) => void navigate({ to: event.currentTarget.value })}
        />
      </nav>
    )
  }
  return (
    <nav aria-label={label}>
      <ul className={classes.nav}>
        {pages.map((page) => (
          <li key={page.to}>
            <Link
              to={page.to}
              className={classes.link}
              activeOptions={{ exact: true, includeSearch: false }}
              activeProps={{ 'aria-current': 'page' }}
            >
              {page.label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
