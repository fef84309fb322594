import { ActionIcon, Button, Code, Select, Text } from '@mantine/core'
import '@mantine/core/styles/Code.layer.css'
import { useMutation } from '@tanstack/react-query'
import { Check, Copy, Download, MessageSquareText } from 'lucide-react'
import { CopyButton } from '../../components/CopyButton'
import { DataTable, type Column } from '../../components/DataTable'
import { ListFilters } from '../../components/ListFilters'
import { useNewLink } from '../../components/RecordPage'
import { SearchInput } from '../../components/SearchInput'
import { EmptyState } from '../../components/States'
import { failed } from '../../components/toast'
import { When } from '../../components/When'
import { saveBlob } from '../../lib/api'
import { csv } from '../../lib/csv'
import { problem } from '../../lib/errors'
import { parseDate } from '../../lib/format'
import { useT } from '../../lib/i18n'
import { useKeyset } from '../../lib/list'
import { useNarrow } from '../../lib/narrow'
import { areaPath, useOrg } from '../../lib/session'
import { SettingsPage } from '../settings/SettingsPage'
import { allReplies, fields, filterOf, replies, searchOf, type Reply } from './data'
import { orders, repliesRoute, shownLanguages, type RepliesSearch } from './routes'

export function RepliesPage() {
  const t = useT()
  const create = useNewLink(replies)
  return (
    <SettingsPage title={t('replies.title')} text={t('replies.text')} needs={[replies.view]} actions={create} size="xl">
      <List />
    </SettingsPage>
  )
}

function List() {
  const t = useT()
  const org = useOrg()
  const search = repliesRoute.useSearch()
  const navigate = repliesRoute.useNavigate()
  const create = useNewLink(replies)
  const { q = '', language, sort } = search
  const rows = useKeyset<Reply>({
    organization: org, collection: 'saved_replies', fields: fields.join(), filter: filterOf(search),
    search: searchOf(search), ...(sort ? { sort: 'updated' } : { sort: 'shortcut', descending: false }),
  })
  const filter = (change: Partial<RepliesSearch>) => navigate({
    replace: true,
    search: Object.fromEntries(Object.entries({ ...search, ...change }).filter(([, value]) => value)),
  })
  const nameOf = useLanguageName()
  const columns: Column<Reply>[] = [
    {
      id: 'shortcut',
      header: t('replies.fields.shortcut'),
      primary: true,
      width: 180,
      cell: (row) => <Code>/{row.shortcut}</Code>,
    },
    {
      id: 'text',
      header: t('replies.fields.text'),
      cell: (row) => (
        <Text size="sm" lineClamp={2} className="pl-wrap">
          {row.text}
        </Text>
      ),
    },
    {
      id: 'language',
      header: t('replies.fields.language'),
      width: 160,
      cell: (row) => <Text size="sm">{nameOf(row.language)}</Text>,
    },
    { id: 'updated', header: t('replies.updated'), width: 160, cell: (row) => <When value={row.updated} /> },
    { id: 'copy', header: t('share.copy'), width: 80, cell: (row) => <CopyText reply={row} /> },
  ]
  return (
    <>
      <ListFilters
        label={t('replies.search')}
        active={[language, sort].filter(Boolean).length}
        onClear={() => void filter({ language: undefined, sort: undefined })}
        search={<SearchInput label={t('replies.search')} value={q} onSearch={(text) => void filter({ q: text })} />}
        beside={<Csv search={search} />}
      >
        <Select
          aria-label={t('replies.filterLanguage')}
          placeholder={t('replies.anyLanguage')}
          clearable
          clearButtonProps={{ 'aria-label': t('states.noMatch.clear') }}
          w={{ base: '100%', sm: 200 }}
          value={language ?? null}
          data={shownLanguages.map((value) => ({ value, label: nameOf(value) }))}
          onChange={(value) => void filter({ language: value ?? undefined })}
        />
        <Select
          aria-label={t('replies.order')}
          allowDeselect={false}
          w={{ base: '100%', sm: 200 }}
          value={sort ?? ''}
          data={[
            { value: '', label: t('replies.byShortcut') },
            ...orders.map((value) => ({ value, label: t('replies.lastChanged') })),
          ]}
          onChange={(value) => void filter({ sort: orders.find((one) => one === value) })}
        />
      </ListFilters>
      <DataTable
        label={t('replies.title')}
        columns={columns}
        card={(row) => ({
          name: <Code>/{row.shortcut}</Code>,
          aside: <When value={row.updated} />,
          text: row.text,
          figure: nameOf(row.language),
          action: <CopyText reply={row} />,
        })}
        rows={rows}
        href={(row) => areaPath(org, `${replies.path}/${row.id}`)}
        filtered={q !== '' || language !== undefined}
        onClearFilters={() => void filter({ q: undefined, language: undefined })}
        empty={(
          <EmptyState
            icon={MessageSquareText}
            title={t('replies.empty.title')}
            text={t(create ? 'replies.empty.text' : 'replies.empty.ask')}
            action={create}
            example={
              <Text size="sm" c="dimmed" ta="center">
                <Code>/{t('replies.shortcutExample')}</Code> {t('replies.textExample')}
              </Text>
            }
          />
        )}
      />
    </>
  )
}

function CopyText({ reply: { shortcut, text } }: { reply: Reply }) {
  const t = useT()
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <ActionIcon
          variant="default"
          size={36}
          aria-label={copied ? t('replies.copied') : t('replies.copy', { shortcut })}
          aria-live="polite"
          onClick={copy}
        >
          {copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
        </ActionIcon>
      )}
    </CopyButton>
  )
}

/** What a reply's language is called; one without is for all. */
function useLanguageName() {
  const t = useT()
  return (value: RepliesSearch['language'] | '') =>
    (value && value !== 'any' ? t(`replies.languages.${value}`) : t('replies.everyLanguage'))
}

/** What the list shows, all of it and in the same words, as a file. */
function Csv({ search }: { search: RepliesSearch }) {
  const t = useT()
  const nameOf = useLanguageName()
  const org = useOrg()
  const narrow = useNarrow()
  const get = useMutation({
    mutationFn: () => allReplies(org, search),
    onSuccess: (all) => saveBlob(csv([
      [t('replies.fields.shortcut'), t('replies.fields.text'), t('replies.fields.language'), t('replies.updated')],
      ...all.map((row) => [row.shortcut, row.text, nameOf(row.language), parseDate(row.updated)?.toISOString() ?? '']),
    ]), 'saved-replies.csv'),
    onError: (error) => failed(problem(error, t)),
  })
  const icon = <Download size={16} aria-hidden />
  const props = { variant: 'default', loading: get.isPending, onClick: () => get.mutate() } as const
  if (narrow) return <ActionIcon {...props} size={36} aria-label={t('replies.csv')}>{icon}</ActionIcon>
  return <Button {...props} leftSection={icon}>{t('replies.csv')}</Button>
}
