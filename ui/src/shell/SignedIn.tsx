import { useQueryClient } from '@tanstack/react-query'
import { ActionIcon, Box, Group, Kbd, Text, UnstyledButton } from '@mantine/core'
import { Outlet, useNavigate, useRouter } from '@tanstack/react-router'
import { Menu as MenuIcon, Search } from 'lucide-react'
import { Suspense, useDeferredValue, useEffect, useState, type ReactNode } from 'react'
import { lazily } from '../lib/code'
import { useT, withWords } from '../lib/i18n'
import { renewSession } from '../lib/pb'
import { live } from '../lib/queries'
import { areaPath, useHere, useMe } from '../lib/session'
import { useShortcut } from '../lib/shortcuts'
import { useAhead } from './ahead'
import { useAreas, type Area } from './areas'
import { Bars } from './Bars'
import { BottomBar } from './BottomBar'
import { useIdle } from './idle'
import { LivePill } from './LivePill'
import { Logo } from './Logo'
import classes from './Shell.module.css'
import { SideBar } from './SideBar'

const ProfileMenu = lazily(() => import('./ProfileMenu').then((m) => m.ProfileMenu))
const palettePage = withWords('people', withWords('calls', () => import('./Palette')))
const Palette = lazily(async () => (await palettePage()).Palette)
const MenuDrawer = lazily(() => import('./MenuDrawer').then((m) => m.MenuDrawer))
const Help = lazily(() => import('./Help').then((m) => m.Help))

// Organizations may end sessions after five minutes without use; most times there is nothing to renew.
const RENEW_MS = 60_000

const mac = typeof navigator !== 'undefined' && /mac|iphone|ipad/i.test(navigator.platform)

/** The frame of every page for signed-in people; `children` stand in it where no page does. */
export function SignedIn({ children }: { children?: ReactNode }) {
  const t = useT()
  const me = useMe()
  const { organization } = useHere()
  const areas = useAreas()
  const navigate = useNavigate()
  const router = useRouter()
  const queries = useQueryClient()
  const [drawer, setDrawer] = useState<'never' | 'open' | 'closed'>('never')
  const [palette, setPalette] = useState<'never' | 'open' | 'closed'>('never')
  const [help, setHelp] = useState<'never' | 'open' | 'closed'>('never')

  useEffect(() => live.follow(organization?.id), [organization?.id])
  // The server may be another version after a reconnection.
  useEffect(() => live.listen('PB_CONNECT', () => void queries.invalidateQueries({ queryKey: ['desk'] })), [queries])
  useEffect(() => {
    // A window nobody uses must not keep the session alive: only who does something renews it.
    let used = false
    const use = () => {
      used = true
    }
    void renewSession()
    const timer = setInterval(() => {
      if (used) void renewSession()
      used = false
    }, RENEW_MS)
    document.addEventListener('pointerdown', use)
    document.addEventListener('keydown', use)
    return () => {
      clearInterval(timer)
      document.removeEventListener('pointerdown', use)
      document.removeEventListener('keydown', use)
    }
  }, [])
  useEffect(() => {
    if (me) return
    live.follow(undefined)
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'desk' })
    void navigate({ to: '/login', search: { next: router.state.location.href } })
  }, [me, navigate, queries, router])
  useEffect(() => {
    const onKeys = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return
      event.preventDefault()
      setPalette((state) => (state === 'open' ? 'closed' : 'open'))
    }
    document.addEventListener('keydown', onKeys)
    return () => document.removeEventListener('keydown', onKeys)
  }, [])
  // The frame first, then in small steps what it holds: drawn at once, the two keep a phone busy for a third of a second.
  const framed = useDeferredValue(true, false)
  const idle = useIdle()
  useAhead(idle)
  useShortcut('?', () => setHelp('open'))

  if (!me) return null
  return (
    <Box className={classes.shell}>
      <a href="#content" className={classes.skip}>{t('shell.skip')}</a>
      {organization && areas.map((area) => <GoKey key={area.id} area={area} org={organization.id} />)}
      <div className={classes.side}><SideBar areas={areas} /></div>
      <div className={classes.page}>
        <header className={classes.top}>
          <Group gap="xs" wrap="nowrap" miw={0}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              hiddenFrom="sm"
              aria-label={t('shell.openMenu')}
              aria-expanded={drawer === 'open'}
              onClick={() => setDrawer('open')}
            >
              <MenuIcon size={20} aria-hidden />
            </ActionIcon>
            <Box hiddenFrom="sm"><Logo size={24} /></Box>
            <UnstyledButton className={classes.search} visibleFrom="sm" onClick={() => setPalette('open')}>
              <Search size={16} aria-hidden />
              <Text size="sm" span flex={1}>{t('shell.search')}</Text>
              <Kbd size="xs">{mac ? '⌘ K' : 'Ctrl K'}</Kbd>
            </UnstyledButton>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              hiddenFrom="sm"
              aria-label={t('shell.search')}
              onClick={() => setPalette('open')}
            >
              <Search size={19} aria-hidden />
            </ActionIcon>
            <LivePill />
            {/* Its place is kept while the menu's code is on its way. */}
            <Box w={38} h={38} flex="none">
              {idle && (
                <Suspense>
                  <ProfileMenu onHelp={() => setHelp('open')} />
                </Suspense>
              )}
            </Box>
          </Group>
        </header>
        <Bars />
        <main id="content" className={classes.content} tabIndex={-1} data-loading={!framed || undefined}>
          {framed && (children ?? <Outlet />)}
        </main>
      </div>
      <BottomBar areas={areas} onMore={() => setDrawer('open')} />
      <Suspense>
        {palette !== 'never' && (
          <Palette opened={palette === 'open'} onClose={() => setPalette('closed')} areas={areas} />
        )}
        {drawer !== 'never' && (
          <MenuDrawer opened={drawer === 'open'} onClose={() => setDrawer('closed')} areas={areas} />
        )}
        {help !== 'never' && <Help opened={help === 'open'} onClose={() => setHelp('closed')} areas={areas} />}
      </Suspense>
    </Box>
  )
}

function GoKey({ area, org }: { area: Area; org: string }) {
  const navigate = useNavigate()
  useShortcut(area.key ? `g ${area.key}` : '', () => void navigate({ to: areaPath(org, area.path) }))
  return null
}

