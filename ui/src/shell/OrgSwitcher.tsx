import { Avatar, Box, Text, ThemeIcon } from '@mantine/core'
import '@mantine/core/styles/ThemeIcon.layer.css'
import { ChevronsUpDown, Lock } from 'lucide-react'
import { Suspense } from 'react'
import { lazily } from '../lib/code'
import { useT } from '../lib/i18n'
import { useHere } from '../lib/session'
import { useIdle } from './idle'
import classes from './Shell.module.css'

// The menu brings half a page's code with it; the name is there before.
const OrgMenu = lazily(() => import('./OrgMenu').then((m) => m.OrgMenu))

/** Which organization is on screen. With one there is nothing to switch, so it is only a name. */
export function OrgSwitcher() {
  const t = useT()
  const { places, closed, place, closedHere, organization } = useHere()
  const idle = useIdle()
  const shown = place ?? closedHere
  if (!shown && places.length + closed.length === 0)
    return (
      <Text size="sm" c="dimmed" px={10}>
        {t('shell.noOrganization')}
      </Text>
    )
  const face = (
    <>
      {organization ? <Avatar size={30} radius="sm" color="teal" name={organization.name} aria-hidden />
        : <ThemeIcon size={30} radius="sm" variant="light" color="gray"><Lock size={16} aria-hidden /></ThemeIcon>}
      <Box miw={0} flex={1}>
        {/* A name may be of any length; our own words are read whole, on two lines where they need them. */}
        <Text size="sm" fw={600} lh={1.3} truncate={organization !== undefined}>
          <bdi>{organization?.name ?? t(shown ? 'shell.closed' : 'shell.choose')}</bdi>
        </Text>
        {shown && (
          <Text size="xs" c="dimmed">
            {t(`roles.${shown.role}`)}
          </Text>
        )}
      </Box>
    </>
  )
  if (places.length + closed.length < 2 && shown) return <div className={classes.org}>{face}</div>
  const before = <div className={classes.org}>{face}<ChevronsUpDown size={16} aria-hidden /></div>
  return idle ? <Suspense fallback={before}><OrgMenu face={face} /></Suspense> : before
}
