import { Link } from '@tanstack/react-router'
import classes from './SubNav.module.css'

export interface SubPage {
  to: string
  label: string
}

/** The pages of one area, side by side; on a phone the row scrolls by itself. */
export function SubNav({ label, pages }: { label: string; pages: readonly SubPage[] }) {
  return (
    <nav aria-label={label}>
      <ul className={classes.nav}>
        {pages.map((page) => (
          <li key={page.to}>
            <Link to={page.to} className={classes.link} activeOptions={{ exact: true, includeSearch: false }} activeProps={{ 'aria-current': 'page' }}>{page.label}</Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
