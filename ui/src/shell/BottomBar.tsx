import { UnstyledButton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { useT } from '../lib/i18n'
import { areaPath, useHere } from '../lib/session'
import type { Area } from './areas'
import classes from './Shell.module.css'

// Three areas and "More": four targets stay wide enough for a thumb at 360 px.
const PLACES = 3

export function BottomBar({ areas, onMore }: { areas: Area[]; onMore: () => void }) {
  const t = useT()
  const { organization } = useHere()
  const shown = areas.filter((area) => area.bottom).slice(0, PLACES)
  if (!organization || shown.length === 0) return null
  return (
    <nav className={classes.bottom} aria-label={t('shell.quick')}>
      {shown.map((area) => (
        <Link key={area.id} to={areaPath(organization.id, area.path)} className={classes.tab}>
          <area.icon size={20} strokeWidth={1.9} aria-hidden />
          <span>{t(area.label)}</span>
        </Link>
      ))}
      <UnstyledButton className={classes.tab} onClick={onMore}>
        <Ellipsis size={20} aria-hidden />
        <span>{t('nav.more')}</span>
      </UnstyledButton>
    </nav>
  )
}
