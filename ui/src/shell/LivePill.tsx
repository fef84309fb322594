import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useT } from '../lib/i18n'
import { pb } from '../lib/pb'
import { areaPath, useHere } from '../lib/session'
import { useAreas } from './areas'
import classes from './Shell.module.css'

// More calls than this at once are shown as "99+": nobody counts further.
const MOST = 99

/** How many calls are running now; absent when there are none. */
export function LivePill() {
  const t = useT()
  const { organization, can } = useHere()
  const exists = useAreas().some((area) => area.id === 'calls')
  const org = organization?.id ?? ''
  const { data = 0 } = useQuery({
    queryKey: [org, 'calls', 'live-count'],
    enabled: exists && org !== '' && can('calls.view'),
    queryFn: async ({ signal }) => {
      const { items } = await pb.collection('calls').getList(1, MOST + 1, {
        filter: pb.filter(
          'organization = {:org} && placing = "" && (status = "queued" || status = "ringing" || status = "in_progress" || status = "forwarding")',
          { org },
        ),
        fields: 'id',
        skipTotal: true,
        signal,
      })
      return items.length
    },
  })
  return (
    <div role="status">
      {data > 0 && (
        <Link to={areaPath(org, 'calls/live')} className={classes.live}>
          <span className={classes.pulse} aria-hidden />
          <span className={classes.liveWords}>
            {data > MOST ? t('shell.liveMany', { most: MOST }) : t('shell.live', { count: data })}
          </span>
          <span className={classes.liveCount} aria-hidden>
            {Math.min(data, MOST)}
          </span>
        </Link>
      )}
    </div>
  )
}
