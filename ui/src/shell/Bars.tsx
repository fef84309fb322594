import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { FlaskConical, RefreshCw, WifiOff } from 'lucide-react'
import { useEffect, useState } from 'react'
import { deskQuery } from '../lib/desk'
import { useT } from '../lib/i18n'
import { useReachable } from '../lib/reach'
import classes from './Shell.module.css'

/** What a person must know wherever they are: no connection, a newer version, a demonstration. */
export function Bars() {
  const t = useT()
  const router = useRouter()
  const reachable = useReachable()
  const { data: desk } = useQuery(deskQuery)
  const [first, setFirst] = useState(desk?.version)
  if (first === undefined && desk) setFirst(desk.version)
  const renewed = desk !== undefined && first !== undefined && first !== desk.version
  // A page opened before an upgrade heals by itself: its next navigation loads the new version.
  useEffect(() => {
    if (!renewed) return
    return router.subscribe('onBeforeNavigate', ({ pathChanged, toLocation }) => {
      if (pathChanged) window.location.assign(toLocation.href)
    })
  }, [renewed, router])
  return (
    <section aria-label={t('shell.notices')}>
      <div role="status">
        {!reachable && (
          <p className={classes.note} data-tone="warn">
            <WifiOff size={16} aria-hidden />
            {t('shell.offline')}
          </p>
        )}
      </div>
      {renewed && (
        <p className={classes.note} data-tone="info">
          <RefreshCw size={16} aria-hidden />
          {t('shell.newVersion')}
          <Button size="compact-xs" variant="default" onClick={() => window.location.reload()}>
            {t('shell.reload')}
          </Button>
        </p>
      )}
      {desk?.sandbox && (
        <p className={classes.note} data-tone="demo">
          <FlaskConical size={16} aria-hidden />
          {t('shell.demo')}
        </p>
      )}
    </section>
  )
}
