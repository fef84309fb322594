import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import classes from './SubNav.module.css'

export interface SubPage {
  to: string
  label: string
}

/** The pages of one area, side by side; on a phone the row scrolls by itself. */
export function SubNav({ label, pages }: { label: string; pages: readonly SubPage[] }) {
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    const here = list.current?.querySelector<HTMLElement>('[aria-current="page"]')
    // Only this row moves: scrollIntoView would move the page as well.
    if (here && list.current) list.current.scrollLeft = here.offsetLeft - list.current.offsetLeft - (list.current.clientWidth - here.offsetWidth) / 2
  }, [])
  return (
    <nav aria-label={label}>
      <ul ref={list} className={classes.nav}>
        {pages.map((page) => (
          <li key={page.to}>
            <Link to={page.to} className={classes.link} activeOptions={{ exact: true, includeSearch: false }} activeProps={{ 'aria-current': 'page' }}>{page.label}</Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
