import { useInfiniteQuery, type InfiniteData } from '@tanstack/react-query'
import { pb } from './pb'

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

export interface Page<T> {
  items: T[]
  more: boolean
}

/** A list that loads by key, one page at a time, and knows when it is at its end without counting. */
export function useKeyset<T extends Row>(options: KeysetOptions) {
  const { organization, collection, fields, sort, descending = true, filter = '', expand, alsoChangedBy, enabled = true } = options
  const sign = descending ? '-' : ''
  const wanted = [...new Set(['id', sort, ...fields.split(',')])].join(',')
  return useInfiniteQuery<Page<T>, Error, InfiniteData<Page<T>, T | null>, readonly unknown[], T | null>({
    queryKey: [organization, collection, 'list', { wanted, sort, descending, filter, expand }],
    enabled,
    meta: { collections: alsoChangedBy },
    initialPageParam: null,
    getNextPageParam: (page) => (page.more ? page.items.at(-1) : undefined),
    queryFn: async ({ pageParam, signal }) => {
      const parts = [pb.filter('organization = {:organization}', { organization })]
      if (filter) parts.push(`(${filter})`)
      if (pageParam) parts.push(after<T>(pageParam as T, sort, descending))
      // One row more than shown answers "is there more" without a count.
      const result = await pb.collection(collection).getList<T>(1, PAGE_SIZE + 1, {
        filter: parts.join(' && '), sort: `${sign}${sort},${sign}id`, fields: wanted, skipTotal: true, signal, ...(expand && { expand }),
      })
      return { items: result.items.slice(0, PAGE_SIZE), more: result.items.length > PAGE_SIZE }
    },
  })
}
