import { useInfiniteQuery, type InfiniteData } from '@tanstack/react-query'
import { pb } from './pb'
import { holds, wordsOf } from './words'

export const PAGE_SIZE = 50

interface Row {
  id: string
}

export interface KeysetOptions {
  organization: string
  collection: string
  /** Only what is shown: never "*". `id` and the sort field are added. */
  fields: string
  /** The field rows are ordered by; ids break ties. */
  sort: string
  descending?: boolean
  /** A PocketBase filter made with pb.filter, without the organization. */
  filter?: string
  /** What somebody looks for: each word must stand in one of the fields, which are text. */
  search?: { typed: string; fields: readonly string[] }
  expand?: string
  /** Other collections whose changes make this list stale. */
  alsoChangedBy?: string[]
  enabled?: boolean
}

/** The filter for the rows after `last`. PocketBase has no offset worth using on a table of a million rows. */
export function after<T extends Row>(last: T, sort: string, descending: boolean): string {
  const sign = descending ? '<' : '>'
  const value = (last as unknown as Record<string, string | number>)[sort] ?? ''
  return pb.filter(`(${sort} ${sign} {:value} || (${sort} = {:value} && id ${sign} {:id}))`, { value, id: last.id })
}

// The server refuses a filter of more than 200 conditions; nobody types so many words.
const WORDS_MAX = 20

/**
 * The filter for rows that may hold every word. LIKE knows neither accents nor other capitals than A to Z, so any character may
 * stand where a letter can have an accent, and any number of them where two letters can be one; the rows it finds too many are
 * left out here.
 */
export function like(words: readonly string[], fields: readonly string[]): string {
  return words.slice(0, WORDS_MAX).map((word) => {
    const value = `%${word.replace(/(ae|oe|ss|th)|[^jmpqx\d]/gu, (_, pair) => (pair ? '%' : '_'))}%`
    return `(${fields.map((field) => pb.filter(`${field} ~ {:value}`, { value })).join(' || ')})`
  }).join(' && ')
}

interface Page<T> {
  items: T[]
  /** The row the next page starts after; none at the end of the list. */
  last?: T
}

/** A list that loads by key, one page at a time, and knows when it is at its end without counting. */
export function useKeyset<T extends Row>(options: KeysetOptions) {
  const { organization, collection, fields, sort, descending = true, filter = '', search, expand, alsoChangedBy, enabled = true } = options
  const sign = descending ? '-' : ''
  const words = wordsOf(search?.typed ?? '')
  const wanted = [...new Set(['id', sort, ...fields.split(','), ...(words.length > 0 ? search!.fields : [])])].join(',')
  return useInfiniteQuery<Page<T>, Error, InfiniteData<Page<T>, T | null>, readonly unknown[], T | null>({
    queryKey: [organization, collection, 'list', { wanted, sort, descending, filter, words, expand }],
    enabled,
    meta: { collections: alsoChangedBy },
    initialPageParam: null,
    getNextPageParam: (page) => page.last,
    queryFn: async ({ pageParam, signal }) => {
      const parts = [pb.filter('organization = {:organization}', { organization })]
      if (filter) parts.push(`(${filter})`)
      if (words.length > 0) parts.push(like(words, search!.fields))
      for (let last = pageParam as T | null; ;) {
        // One row more than shown answers "is there more" without a count.
        // oxlint-disable-next-line no-await-in-loop -- a second round only when no row of the first holds the words
        const { items } = await pb.collection(collection).getList<T>(1, PAGE_SIZE + 1, {
          filter: [...parts, ...(last ? [after(last, sort, descending)] : [])].join(' && '),
          sort: `${sign}${sort},${sign}id`, fields: wanted, skipTotal: true, signal, ...(expand && { expand }),
        })
        const page = items.slice(0, PAGE_SIZE)
        const texts = (row: T) => search!.fields.map((field) => String((row as unknown as Record<string, unknown>)[field] ?? ''))
        const found = words.length > 0 ? page.filter((row) => holds(words, texts(row))) : page
        last = items.length > PAGE_SIZE ? page.at(-1)! : null
        if (found.length > 0 || !last) return { items: found, last: last ?? undefined }
      }
    },
  })
}
