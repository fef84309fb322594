import { Avatar, Box, Text } from '@mantine/core'
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
  const { places, place, organization } = useHere()
  const idle = useIdle()
  if (!organization || !place) return <Text size="sm" c="dimmed" px={10}>{t('shell.noOrganization')}</Text>
  const face = (
    <>
      <Avatar size={30} radius="sm" color="teal" name={organization.name} aria-hidden />
      <Box miw={0} flex={1}>
        <Text size="sm" fw={600} truncate>{organization.name}</Text>
        <Text size="xs" c="dimmed" truncate>{t(`roles.${place.role}`)}</Text>
      </Box>
    </>
  )
  if (places.length < 2 || !idle) return <div className={classes.org}>{face}</div>
  return <Suspense fallback={<div className={classes.org}>{face}</div>}><OrgMenu face={face} /></Suspense>
}
