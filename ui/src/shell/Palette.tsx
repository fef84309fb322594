import { Spotlight, createSpotlight, type SpotlightActionData, type SpotlightProps } from '@mantine/spotlight'
import '@mantine/spotlight/styles.layer.css'
import { useMantineColorScheme } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { Building2, LayoutList, LogOut, Moon, Plus, Search, Sun, UserRound } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useT } from '../lib/i18n'
import { signOut } from '../lib/pb'
import { areaPath, useHere } from '../lib/session'
import type { Area } from './areas'

const [store, controls] = createSpotlight()

const SEARCH = 'search-calls'

/** ⌘K: go anywhere, switch organization (two letters and Enter), a few commands. */
export function Palette({ opened, onClose, areas }: { opened: boolean; onClose: () => void; areas: Area[] }) {
  const t = useT()
  const navigate = useNavigate()
  const { places, organization } = useHere()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = document.documentElement.dataset.mantineColorScheme === 'dark'
  const [typed, setTyped] = useState('')
  useEffect(() => (opened ? controls.open() : controls.close()), [opened])
  const others = places.filter((p) => p.organization !== organization?.id)
  const searches = areas.some((area) => area.path === 'calls')
  const go = organization ? areas.map((area) => ({
    id: area.id, label: t(area.label), leftSection: <area.icon size={18} aria-hidden />, onClick: () => void navigate({ to: areaPath(organization.id, area.path) }),
  })) : []
  return (
    <Spotlight
      store={store} shortcut={null} query={typed} onQueryChange={setTyped} onSpotlightClose={onClose} scrollable maxHeight={420} highlightQuery centered={false} yOffset="14vh" overlayProps={{ backgroundOpacity: 0.35, blur: 2 }}
      nothingFound={t('palette.nothing')}
      searchProps={{ leftSection: <Search size={18} aria-hidden />, placeholder: t('palette.placeholder'), 'aria-label': t('palette.placeholder') }}
      filter={(query, actions) => {
        const wanted = query.trim().toLowerCase()
        const fits = (action: SpotlightActionData) => action.id === SEARCH || (action.label ?? '').toLowerCase().includes(wanted)
        const kept: NonNullable<SpotlightProps['actions']> = []
        for (const action of actions) {
          const inside = 'actions' in action ? action.actions.filter(fits) : undefined
          if (inside ? inside.length > 0 : fits(action as SpotlightActionData)) kept.push(inside ? { ...action, actions: inside } : action)
        }
        return kept
      }}
      actions={[
        { group: t('palette.go'), actions: [...go, { id: 'me', label: t('profile.title'), leftSection: <UserRound size={18} aria-hidden />, onClick: () => void navigate({ to: '/me' }) },
          { id: 'agency', label: t('shell.all'), leftSection: <LayoutList size={18} aria-hidden />, onClick: () => void navigate({ to: '/agency' }) },
          { id: 'new', label: t('shell.new'), leftSection: <Plus size={18} aria-hidden />, onClick: () => void navigate({ to: '/new' }) }] },
        ...(others.length > 0 ? [{
          group: t('palette.organizations'),
          actions: others.map((p) => ({
            id: p.id, label: p.expand.organization.name, leftSection: <Building2 size={18} aria-hidden />,
            onClick: () => void navigate({ to: '/o/$org', params: { org: p.organization } }),
          })),
        }] : []),
        // Callers, numbers and words said are not in here: the calls' own search has them.
        ...(organization && searches && typed.trim() ? [{
          group: t('nav.calls'),
          actions: [{
            id: SEARCH, label: t('palette.calls', { text: typed.trim() }), leftSection: <Search size={18} aria-hidden />,
            onClick: () => void navigate({ to: areaPath(organization.id, 'calls'), search: { search: typed.trim() } as never }),
          }],
        }] : []),
        { group: t('palette.commands'), actions: [
          { id: 'theme', label: t(isDark ? 'palette.light' : 'palette.dark'), leftSection: isDark ? <Sun size={18} aria-hidden /> : <Moon size={18} aria-hidden />, onClick: () => setColorScheme(isDark ? 'light' : 'dark') },
          { id: 'sign-out', label: t('auth.signOut'), leftSection: <LogOut size={18} aria-hidden />, onClick: signOut },
        ] },
      ]}
    />
  )
}
