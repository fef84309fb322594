import { useQuery } from '@tanstack/react-query'
import { pb } from '../lib/pb'

/**
 * The address of somebody's picture, once it is there; undefined without one. Pictures are for those who may see the
 * record: the server wants a token of three minutes, so the bytes are fetched once and kept.
 */
export function usePicture(collection: 'users' | 'organizations', id: string, file: string): string | undefined {
  const { data } = useQuery({
    queryKey: ['picture', collection, id, file],
    enabled: file !== '',
    staleTime: Infinity,
    retry: false,
    queryFn: async ({ signal }) => {
      const token = await pb.files.getToken({ signal })
      const response = await fetch(pb.files.getURL({ id, collectionName: collection }, file, { thumb: '100x100', token }), { signal })
      // Without its picture a person still has initials.
      return response.ok ? URL.createObjectURL(await response.blob()) : null
    },
  })
  return data ?? undefined
}
