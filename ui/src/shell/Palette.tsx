import { Group, Text, useMantineColorScheme } from '@mantine/core'
import { Spotlight, createSpotlight } from '@mantine/spotlight'
import '@mantine/spotlight/styles.layer.css'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import {
  Bot, Building2, CircleHelp, CirclePause, CirclePlay, FlaskConical, Hash, History, LayoutList, LogOut, Moon, Phone, PhoneOutgoing, Plus,
  Search, Settings, SquareFunction, Sun, User, UserPlus, UserRound, type LucideIcon,
} from 'lucide-react'
import { Suspense, useEffect, useState, type ReactNode } from 'react'
import { confirm } from '../components/confirm'
import { Hits, Marked } from '../components/Marked'
import { failed, saved } from '../components/toast'
import { When } from '../components/When'
import { api } from '../lib/api'
import { lazily } from '../lib/code'
import { deskQuery } from '../lib/desk'
import { problem } from '../lib/errors'
import { useFocusBack } from '../lib/focus'
import { useT } from '../lib/i18n'
import { signOut } from '../lib/pb'
import { phone } from '../lib/phone'
import { recent } from '../lib/recent'
import { areaPath, useHere } from '../lib/session'
import { holds, wordsOf } from '../lib/words'
import type { BulkAnswer } from '../routes/agency/data'
import { PlaceCall, Simulate } from '../routes/calls/dialogs'
import { parts } from '../routes/calls/snippet'
import { aboutOf, whoOf } from '../routes/calls/words'
import { useSettingsPages } from '../routes/settings/pages'
import type { Area } from './areas'
import { useFound } from './found'
import classes from './Palette.module.css'

const InviteDialog = lazily(() => import('../routes/team/InviteDialog').then((m) => m.InviteDialog))

const [store, controls] = createSpotlight()

/** Chooses the first line: Mantine keeps the one that was chosen, also when what the server found comes above it. */
function selectFirst(): void {
  const list = document.getElementById(store.getState().listId)
  list?.querySelector('[data-selected]')?.removeAttribute('data-selected')
  list?.querySelector('[data-action]')?.setAttribute('data-selected', 'true')
  store.updateState((state) => ({ ...state, selected: 0 }))
}

type Dialog = 'simulate' | 'place' | 'invite'

/** One line: a place to go to, or something to do. */
interface Line {
  id: string
  icon: LucideIcon
  label: string
  /** A second line, and what else it is found by. */
  about?: string | undefined
  words?: string[]
  /** The server found it: it is not looked through again. */
  found?: boolean
  /** In place of the second line. */
  shown?: ReactNode
  right?: ReactNode
  run: () => void
}

interface Lines {
  group: string
  lines: Line[]
}

/** ⌘K: finds what there is and goes there, and does what is done often. What was opened last comes first. */
export function Palette({ opened, onClose, areas }: { opened: boolean; onClose: () => void; areas: Area[] }) {
  const t = useT()
  useFocusBack(opened)
  const [typed, setTyped] = useState('')
  const [dialog, setDialog] = useState<Dialog>()
  useEffect(() => (opened ? controls.open() : controls.close()), [opened])
  const words = wordsOf(typed)
  const found = useFound(typed, opened)
  const fits = ({ found, label, about, words: more = [] }: Line) => found || holds(words, [label, about ?? '', ...more])
  const typing = words.length > 0
  const [last, places, things, calls, actions] = [
    useRecent(), usePlaces(areas), useThings(found), useCalls(found, typed, areas), useActions(setDialog),
  ]
  const groups = [...last, ...places, ...actions, ...(typing ? [...things, ...calls] : [])]
    .map(({ group, lines }) => ({ group, lines: typing ? lines.filter(fits) : lines }))
    .filter(({ lines }) => lines.length > 0)
  const first = groups[0]?.lines[0]?.id
  useEffect(() => {
    if (typing && first !== undefined) selectFirst()
  }, [typing, first])
  return (
    <>
      <Spotlight
        store={store}
        shortcut={null}
        query={typed}
        onQueryChange={setTyped}
        onSpotlightClose={onClose}
        scrollable
        maxHeight={440}
        scrollAreaProps={{ classNames: { content: classes.lines } }}
        centered={false}
        yOffset="14vh"
        overlayProps={{ backgroundOpacity: 0.35, blur: 2 }}
        nothingFound={t(found.busy ? 'palette.looking' : 'palette.nothing')}
        searchProps={{
          leftSection: <Search size={18} aria-hidden />,
          placeholder: t('palette.placeholder'),
          'aria-label': t('palette.placeholder'),
        }}
        filter={(_, all) => all}
        actions={groups.map(({ group, lines }) => ({
          group,
          actions: lines.map((line) => ({
            id: line.id,
            className: classes.action,
            onClick: line.run,
            children: <Shown line={line} words={words} />,
          })),
        }))}
      />
      <Suspense>
        {dialog === 'simulate' && <Simulate onClose={() => setDialog(undefined)} />}
        {dialog === 'place' && <PlaceCall onClose={() => setDialog(undefined)} />}
        {dialog === 'invite' && <InviteDialog onClose={() => setDialog(undefined)} />}
      </Suspense>
    </>
  )
}

function Shown({ line: { icon: Icon, label, about, shown, right }, words }: { line: Line; words: readonly string[] }) {
  return (
    <Group gap="sm" wrap="nowrap" w="100%" className={classes.line}>
      <Icon size={18} aria-hidden />
      <div className={classes.words}>
        <Text size="sm" truncate><bdi><Marked text={label} words={words} /></bdi></Text>
        {(shown ?? about) && (
          <Text size="xs" c="dimmed" truncate>
            {shown ?? <Marked text={about!} words={words} />}
          </Text>
        )}
      </div>
      {right && <Text size="xs" c="dimmed" className={classes.right} component="span">{right}</Text>}
    </Group>
  )
}

function useGo() {
  const navigate = useNavigate()
  return (to: string, search: object = {}) => () => void navigate({ to, search: search as never })
}

function useRecent(): Lines[] {
  const t = useT()
  const go = useGo()
  const { organization } = useHere()
  if (!organization) return []
  const lines = recent(organization.id).map(({ path, title, area }) => ({
    id: `recent ${path}`, icon: History, label: title, about: area, run: go(path),
  }))
  return [{ group: t('palette.recent'), lines }]
}

/** Pages, and the other organizations. */
function usePlaces(areas: Area[]): Lines[] {
  const t = useT()
  const go = useGo()
  const { places, organization } = useHere()
  const settings = useSettingsPages()
  const inside = organization
    ? areas.map((area) => ({ id: area.id, icon: area.icon, label: t(area.label), run: go(areaPath(organization.id, area.path)) }))
    : []
  // The first is the area itself.
  const pages = organization
    ? settings.filter(({ path }) => path !== 'settings').map(({ path, label }) => ({
        id: path, icon: Settings, label: t(label), about: t('nav.settings'), run: go(areaPath(organization.id, path)),
      }))
    : []
  const others = places.filter((place) => place.organization !== organization?.id)
  return [
    {
      group: t('palette.go'),
      lines: [
        ...inside,
        { id: 'me', icon: UserRound, label: t('profile.title'), run: go('/me') },
        { id: 'help', icon: CircleHelp, label: t('help.page'), run: go('/help') },
        { id: 'agency', icon: LayoutList, label: t('shell.all'), run: go('/agency') },
        ...pages,
      ],
    },
    {
      group: t('palette.organizations'),
      lines: others.map((place) => ({
        id: place.id, icon: Building2, label: place.expand.organization.name, run: go(`/o/${place.organization}`),
      })),
    },
  ]
}

/** What the organization is made of. */
function useThings({ assistants, numbers, functions, members }: ReturnType<typeof useFound>): Lines[] {
  const t = useT()
  const go = useGo()
  const { organization } = useHere()
  if (!organization) return []
  const at = (path: string, search?: object) => go(areaPath(organization.id, path), search)
  return [
    {
      group: t('nav.assistants'),
      lines: assistants.map(({ id, name }) => ({ id, icon: Bot, label: name, run: at(`assistants/${id}`) })),
    },
    {
      group: t('nav.numbers'),
      lines: numbers.map(({ id, phone_number, name }) => ({
        id, icon: Hash, label: phone(phone_number) || name, about: name, words: [phone_number], run: at(`numbers/${id}`),
      })),
    },
    {
      group: t('nav.functions'),
      lines: functions.map(({ id, name, description }) => ({
        id, icon: SquareFunction, label: name, about: description, run: at(`functions/${id}`),
      })),
    },
    {
      group: t('nav.team'),
      lines: members.map(({ id, full_name, email }) => ({
        id, icon: User, label: full_name || email, about: email, found: true, run: at('team', { q: email }),
      })),
    },
  ]
}

/** Calls and who called, as the server found them; and the list with all of them. */
function useCalls({ calls, contacts }: Pick<ReturnType<typeof useFound>, 'calls' | 'contacts'>, typed: string, areas: Area[]): Lines[] {
  const t = useT()
  const go = useGo()
  const { organization } = useHere()
  if (!organization || !areas.some(({ path }) => path === 'calls')) return []
  const list = areaPath(organization.id, 'calls')
  const text = typed.trim()
  return [
    {
      group: t('palette.contacts'),
      lines: contacts.map(({ id, name, company, phone_number }) => ({
        id: `contact ${id}`,
        icon: UserRound,
        label: name || phone(phone_number),
        about: [company, name && phone(phone_number)].filter(Boolean).join(' · '),
        found: true,
        run: go(areaPath(organization.id, `contacts/${id}`)),
      })),
    },
    {
      group: t('nav.calls'),
      lines: [
        ...calls.map((call): Line => ({
          id: call.id,
          icon: Phone,
          label: whoOf(call, t),
          found: true,
          about: aboutOf(call, t),
          shown: call.snippet && <Hits parts={parts(call.snippet)} />,
          right: <When value={call.started_at} short />,
          run: go(`${list}/${call.id}`),
        })),
        { id: 'search-calls', icon: Search, label: t('palette.calls', { text }), found: true, run: go(list, { search: text }) },
      ],
    },
  ]
}

/** What is done often, from wherever one is. */
function useActions(open: (dialog: Dialog) => void): Lines[] {
  const t = useT()
  const go = useGo()
  const queries = useQueryClient()
  const { org } = useParams({ strict: false }) as { org?: string }
  const { organization, can } = useHere()
  const { data: desk } = useQuery(deskQuery)
  const { setColorScheme } = useMantineColorScheme()
  const isDark = document.documentElement.dataset.mantineColorScheme === 'dark'
  const { paused } = organization ?? {}
  const pause = async () => {
    if (!organization || (!paused && !(await confirm({
      title: t('palette.pauseTitle', { name: organization.name }),
      body: t('agency.pauseText'),
      action: t('agency.pause'),
      danger: true,
    })))) return
    try {
      const action = paused ? 'resume' : 'pause'
      const { results } = await api.post<BulkAnswer>('/api/agency/bulk', { organizations: [organization.id], action })
      const refused = results.find(({ ok }) => !ok)
      if (refused) throw new Error(refused.error)
      saved(t(paused ? 'palette.resumed' : 'palette.paused'))
      void queries.invalidateQueries({ queryKey: ['me'] })
      void queries.invalidateQueries({ queryKey: [organization.id] })
    } catch (error) {
      failed(problem(error, t))
    }
  }
  const lines: (Line & { may?: boolean })[] = [
    {
      id: 'simulate', icon: FlaskConical, label: t('calls.simulate.action'), may: can('calls.place') && desk?.sandbox,
      run: () => open('simulate'),
    },
    { id: 'place', icon: PhoneOutgoing, label: t('calls.place.action'), may: can('calls.place'), run: () => open('place') },
    { id: 'invite', icon: UserPlus, label: t('team.invite.title'), may: can('team.manage'), run: () => open('invite') },
    {
      id: 'pause', icon: paused ? CirclePlay : CirclePause, label: t(paused ? 'palette.resume' : 'palette.pause'),
      may: can('settings.manage'), run: () => void pause(),
    },
  ].map((line) => ({ ...line, may: org !== undefined && line.may === true }))
  return [
    {
      group: t('palette.commands'),
      lines: [
        ...lines.filter(({ may }) => may),
        { id: 'new', icon: Plus, label: t('shell.new'), run: go('/new') },
        {
          id: 'theme', icon: isDark ? Sun : Moon, label: t(isDark ? 'palette.light' : 'palette.dark'),
          words: [t('palette.theme')], run: () => setColorScheme(isDark ? 'light' : 'dark'),
        },
        { id: 'sign-out', icon: LogOut, label: t('auth.signOut'), run: signOut },
      ],
    },
  ]
}
