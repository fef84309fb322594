import { useQuery } from '@tanstack/react-query'
import { problem, type Problem } from '../lib/errors'
import type { T } from '../lib/i18n'
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

/** Why a picture was not taken. The server names the kinds it takes in words of its own. */
export function pictureProblem(error: unknown, t: T): Problem {
  const found = problem(error, t)
  return found.status === 400 ? { ...found, title: t('picture.refused'), cause: t('picture.rule') } : found
}
