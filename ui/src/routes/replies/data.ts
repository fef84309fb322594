import type { Kind } from '../../components/RecordPage'
import type { EditForm, NewForm } from '../../lib/editor'
import { number } from '../../lib/format'
import type { T } from '../../lib/i18n'
import { pb } from '../../lib/pb'
import { limits, type SavedRepliesRecord } from '../../lib/pb-types.gen'
import { changed } from '../../lib/rebase'
import { holds, wordOf, wordsOf } from '../../lib/words'
import type { RepliesSearch } from './routes'

export const fields = ['id', 'shortcut', 'text', 'language', 'updated'] as const satisfies readonly (keyof SavedRepliesRecord)[]
export type Reply = Pick<SavedRepliesRecord, (typeof fields)[number]>
export type ReplyForm = Pick<Reply, 'shortcut' | 'text' | 'language'>

/** The languages a reply can be in; one without a language is for all. */
export const languages = limits.saved_replies.language.values

/** A shortcut without what people type before and behind it. */
const bare = (typed: string): string => typed.trim().replace(/^\/+/, '').trim()

/** What the list looks for, and where. A shortcut is looked for as it is typed to use it: with its slash. */
export const searchOf = ({ q = '' }: RepliesSearch) => ({ typed: bare(q), fields: ['shortcut', 'text'] as const })

/** The filter of the address as the database's. */
export const filterOf = ({ language }: RepliesSearch): string | undefined =>
  language && pb.filter('language = {:language}', { language: language === 'any' ? '' : language })

/** Every reply that the search and the filter leave, by shortcut: what a file holds. */
export async function allReplies(organization: string, search: RepliesSearch): Promise<Reply[]> {
  const mine = pb.filter('organization = {:organization}', { organization })
  const rows = await pb.collection('saved_replies').getFullList<Reply>({
    filter: [mine, filterOf(search)].filter(Boolean).join(' && '), fields: fields.join(), sort: 'shortcut,id', batch: 500,
  })
  const { typed, fields: searched } = searchOf(search)
  return rows.filter((row) => holds(wordsOf(typed), searched.map((field) => row[field])))
}

const clean = ({ shortcut, text, language }: ReplyForm): ReplyForm => ({ shortcut: wordOf(bare(shortcut)), text: text.trim(), language })

/** A sentence for each text that is longer than what is stored of it: nothing is cut from what somebody pastes. */
export function tooLong(values: ReplyForm, t: T): { shortcut?: string; text?: string } {
  const { shortcut, text } = clean(values)
  const of = (value: string, max: number) => {
    // As the server counts: characters, not their halves.
    const { length } = [...value]
    return length > max ? t('replies.tooLong', { max: number(max), length: number(length) }) : undefined
  }
  const [word, words] = [of(shortcut, limits.saved_replies.shortcut.max), of(text, limits.saved_replies.text.max)]
  return { ...(word && { shortcut: word }), ...(words && { text: words }) }
}

export const replies: Kind<Reply> & EditForm<Reply, ReplyForm> & NewForm<ReplyForm> = {
  collection: 'saved_replies', fields, path: 'settings/replies', words: 'replies', view: 'replies.view', manage: 'inbox.reply',
  start: { shortcut: '', text: '', language: '' },
  toForm: ({ shortcut, text, language }) => ({ shortcut, text, language }),
  toBody: (values: ReplyForm, base?: ReplyForm) => (base ? changed(base, clean(values)) : clean(values)),
  label: (name) => `replies.fields.${name}`,
  problems: (values, t) => {
    const long = tooLong(values, t)
    const { shortcut, text } = clean(values)
    return {
      ...(!shortcut ? { shortcut: t('errors.field.required') } : /[\s/]/.test(shortcut) && { shortcut: t('replies.oneWord') }),
      ...(!text && { text: t('errors.field.required') }),
      ...long,
    }
  },
}
