import { useQuery } from '@tanstack/react-query'
import { api } from '../../lib/api'

/** One provider the server's table offers (providers/catalog). */
export interface Line {
  id: string
  name: string
  /** Whether there is a model to choose. */
  model: 'no' | 'yes' | 'must'
  models?: readonly string[]
  voices?: readonly string[]
  /** Voices made for a language, and names of those whose ids say nothing. */
  voicesFor?: Readonly<Record<string, readonly string[]>>
  names?: Readonly<Record<string, string>>
  /** Each voice speaks every language; the others speak those they are listed for. */
  anyLanguage?: boolean
  /** null: the provider is not told a language, all are fine. */
  languages: readonly string[] | null
  /** The model taken when nobody chooses, and the one for languages besides English where it is another. */
  takes?: string
  otherwise?: string
  speed: { min: number; max?: number } | null
}

/** What an assistant can be made of, as of a day. */
export interface Choices {
  date: string
  languages: readonly string[]
  models: readonly Line[]
  voices: readonly Line[]
  transcribers: readonly Line[]
}

/** Something wrong with what is stored, as the server says it. */
export interface Shown {
  field: string
  code: string
  /** The provider would refuse it: its copy does without. */
  refused: boolean
  text: string
  /** What is sent meanwhile, where something must be. */
  use?: string
}

/** The table changes with the program only: asked for once. */
export const useChoices = () => useQuery({
  queryKey: ['assistant-choices'],
  queryFn: ({ signal }) => api.get<Choices>('/api/assistant-choices', { signal }),
  staleTime: Infinity,
  gcTime: Infinity,
})

export const lineOf = (lines: readonly Line[], id: string): Line | undefined => lines.find((line) => line.id === id)

const base = (code: string) => code.toLowerCase().split(/[-_]/)[0]!

/** Whether a provider speaks or understands a language; the server knows regions better and has the last word. */
export const knows = (line: Line | undefined, language: string): boolean => !line?.languages || !language || line.languages.includes(base(language))

/** The voices of a provider, those made for the language first. */
export function voicesOf(line: Line | undefined, language: string): string[] {
  const made = line?.voicesFor?.[base(language)] ?? []
  return [...made, ...(line?.voices ?? []).filter((voice) => !made.includes(voice))]
}

/** The voice a new choice begins with: '' where the list has none that speaks the language. */
export function voiceOf(line: Line | undefined, language: string): string {
  return line?.voicesFor?.[base(language)]?.[0] ?? (line?.anyLanguage ? line.voices?.[0] : undefined) ?? ''
}

/** The model a new choice begins with: '' leaves it to the provider. */
export function modelOf(line: Line | undefined, language: string): string {
  return (language && base(language) !== 'en' && line?.otherwise) || line?.takes || ''
}

/** A name the table does not have: it is sent as it was typed, and marked. */
export const unlisted = (list: readonly string[] | undefined, name: string): boolean => !!name && !!list?.length && !list.includes(name)

/** A language's name in the reader's language: "French", "français". */
export function languageName(code: string, reader: string): string {
  if (!code) return ''
  try {
    const name = new Intl.DisplayNames([reader], { type: 'language' }).of(code) ?? code
    return name.charAt(0).toLocaleUpperCase(reader) + name.slice(1)
  } catch {
    return code // typed by hand: not a code at all
  }
}
