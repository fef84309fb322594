import { Avatar, Box, Text, ThemeIcon } from '@mantine/core'
import '@mantine/core/styles/ThemeIcon.layer.css'
import { Lock } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { useT } from '../lib/i18n'
import { useHere } from '../lib/session'
import { useIdle } from './idle'
import classes from './Shell.module.css'

// The menu brings half a page's code with it; the name is there before.
const OrgMenu = lazy(() => import('./OrgMenu').then((m) => ({ default: m.OrgMenu })))

/** Which organization is on screen. With one there is nothing to switch, so it is only a name. */
export function OrgSwitcher() {
  const t = useT()
  const { places, closed, place, closedHere, organization } = useHere()
  const idle = useIdle()
  const shown = place ?? closedHere
  if (!shown && places.length + closed.length === 0) return <Text size="sm" c="dimmed" px={10}>{t('shell.noOrganization')}</Text>
  const face = (
    <>
      {organization ? <Avatar size={30} radius="sm" color="teal" name={organization.name} aria-hidden />
        : <ThemeIcon size={30} radius="sm" variant="light" color="gray"><Lock size={16} aria-hidden /></ThemeIcon>}
      <Box miw={0} flex={1}>
        <Text size="sm" fw={600} truncate>{organization?.name ?? t(shown ? 'shell.closed' : 'shell.choose')}</Text>
        {shown && <Text size="xs" c="dimmed" truncate>{t(`roles.${shown.role}`)}</Text>}
      </Box>
    </>
  )
  const choices = places.length + closed.length
  if (!idle || choices < 2 && shown) return <div className={classes.org}>{face}</div>
  return <Suspense fallback={<div className={classes.org}>{face}</div>}><OrgMenu face={face} /></Suspense>
}
