import { useQuery } from '@tanstack/react-query'
import { pb } from './pb'
import type { Records } from './pb-types.gen'

/** One record of an organization, with the named fields only; realtime changes refetch it. */
export function useRecord<T extends { id: string }>(organization: string, collection: keyof Records, id: string, fields: readonly (keyof T & string)[]) {
  return useQuery({
    queryKey: [organization, collection, 'one', id, fields.join()],
    queryFn: async ({ signal }) => {
      const record = await pb.collection(collection).getOne<T & { organization: string }>(id, { fields: ['organization', ...fields].join(), signal })
      // A record of another organization of the same person belongs under another address.
      if (record.organization !== organization) return null
      return record as T
    },
  })
}

/** All rows of a small collection (what a select offers), by name. */
export function useOptions<T extends { id: string }>(organization: string, collection: keyof Records, fields: readonly (keyof T & string)[], sort: keyof T & string, enabled = true) {
  return useQuery({
    queryKey: [organization, collection, 'options', fields.join()],
    enabled,
    queryFn: ({ signal }) => pb.collection(collection).getFullList<T>({
      filter: pb.filter('organization = {:organization}', { organization }), fields: fields.join(), sort, batch: 200, signal,
    }),
  })
}
