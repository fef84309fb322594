import { ClientResponseError } from 'pocketbase'
import { pb } from './pb'
import { needSentences } from './said'

export interface ApiOptions {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal
  headers?: Record<string, string>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Asks one of the server's own routes, signed in as the current person. Rejects with ClientResponseError, like every
 * call of the SDK, so errors.ts has one thing to read.
 */
async function ask<T>(method: Method, path: string, { query, body, signal, headers }: ApiOptions = {}): Promise<T> {
  return pb.send<T>(path, { method, query, signal, headers, body: body as Record<string, unknown> | undefined })
}

export const api = {
  get: <T>(path: string, options?: ApiOptions) => ask<T>('GET', path, options),
  post: <T>(path: string, body?: unknown, options?: ApiOptions) => ask<T>('POST', path, { ...options, body }),
  put: <T>(path: string, body?: unknown, options?: ApiOptions) => ask<T>('PUT', path, { ...options, body }),
  patch: <T>(path: string, body?: unknown, options?: ApiOptions) => ask<T>('PATCH', path, { ...options, body }),
  delete: <T>(path: string, options?: ApiOptions) => ask<T>('DELETE', path, options),
}

type FileOptions = Pick<ApiOptions, 'signal' | 'headers' | 'body'> & { method?: 'GET' | 'POST' }

/** Fetches a file with the session's token: file addresses with tokens of their own would die after three minutes. */
export async function fetchBlob(path: string, options: FileOptions = {}): Promise<Blob> {
  return (await fetchFile(path, options)).blob()
}

/** The same for what is read as it comes, such as the sound of a call. */
export async function fetchFile(path: string, options: FileOptions = {}): Promise<Response> {
  const url = pb.buildURL(path)
  let response: Response
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      signal: options.signal ?? null,
      headers: { ...(options.body !== undefined && { 'Content-Type': 'application/json' }), ...options.headers, Authorization: pb.authStore.token },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    })
  } catch (error) {
    throw new ClientResponseError({ url, originalError: error, isAbort: options.signal?.aborted ?? false })
  }
  if (!response.ok) {
    const data = (await response.json().catch(() => ({}))) as Record<string, unknown>
    await needSentences()
    throw new ClientResponseError({ url, status: response.status, data })
  }
  return response
}

/** Hands a blob to the browser as a download. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Freed a little later: some browsers read the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
