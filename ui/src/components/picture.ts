import { useQuery } from '@tanstack/react-query'
import type { ClientResponseError } from 'pocketbase'
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

// PocketBase says these in bytes and media types; the rule says them for people.
const ruled = ['validation_file_size_limit', 'validation_invalid_mime_type']

/** Why a picture was not taken: the server's own reason where it has one, and always the whole rule. */
export function pictureProblem(error: unknown, t: T): Problem {
  const found = problem(error, t)
  if (found.status !== 400) return found
  const data = (error as ClientResponseError).response.data as Record<string, { code?: string }> | undefined
  const reasons = Object.entries(found.fields).filter(([name]) => !ruled.includes(data?.[name]?.code ?? ''))
  return { ...found, title: t('picture.refused'), cause: [...reasons.map(([, reason]) => reason), t('picture.rule')].join(' ') }
}
