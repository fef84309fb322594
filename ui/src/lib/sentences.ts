import french from '../locales/server/fr.json'

/** English sentences of a server with their translations; what varies is `{1}`, `{2}`, … on both sides. */
export interface Sentences {
  /** What our routes say. */
  sentences: Record<string, string>
  /** What PocketBase says by itself. */
  pocketbase: Record<string, string>
  /** Single words that stand in a sentence's gaps: roles, rights, ways to sign in. */
  words: Record<string, string>
}

interface Pattern {
  fits: RegExp
  /** Numbers of the gaps, in the English order. */
  gaps: string[]
  says: string
}

const gap = /\{(\d+)\}/g
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const small = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')

/** The server begins some sentences with a small letter, and its routes do not agree on the dot at the end. */
function pattern(english: string, says: string): Pattern {
  const parts = english.split(/\{\d+\}/)
  const [first = '', ...rest] = parts
  const begin = first && `[${literal(capital(first[0]!))}${literal(small(first[0]!))}]${literal(first.slice(1))}`
  return { fits: new RegExp(`^${[begin, ...rest.map(literal)].join('(.+?)')}$`, 's'), gaps: [...english.matchAll(gap)].map((m) => m[1]!), says }
}

/**
 * Builds the function that says a server's sentence in the catalogue's language. A sentence it does not know stays as it is;
 * so does a part that varies, unless that is itself a word or sentence of the catalogue.
 */
export function sayer({ sentences, pocketbase, words }: Sentences): (text: string) => string {
  const all = Object.entries({ ...pocketbase, ...sentences })
  const whole = new Map(all.filter(([english]) => english.search(gap) < 0))
  // The longest first: what says more about a sentence knows it better.
  const patterns = all.filter(([english]) => english.search(gap) >= 0)
    .sort(([a], [b]) => b.replace(gap, '').length - a.replace(gap, '').length)
    .map(([english, says]) => pattern(english, says))

  const known = (text: string): string | undefined => {
    const exact = whole.get(capital(text))
    if (exact !== undefined) return exact
    for (const { fits, gaps, says } of patterns) {
      const found = fits.exec(text)
      if (found) return says.replace(gap, (_, number: string) => varying(found[gaps.indexOf(number) + 1] ?? ''))
    }
    return undefined
  }
  const varying = (value: string): string => {
    const list = value.split(' or ')
    if (list.every((word) => Object.hasOwn(words, word))) return list.map((word) => words[word]).join(' ou ')
    const nested = known(value)
    if (nested !== undefined) return value === capital(value) ? nested : small(nested)
    const quoted = /^"(.*)"$/s.exec(value)
    return quoted ? `«\u00a0${quoted[1]}\u00a0»` : value
  }
  return (text) => {
    const [, sentence = '', dot = ''] = /^\s*(.*?)(\.?)\s*$/s.exec(text) ?? []
    const found = known(sentence)
    return found === undefined ? text : found + dot
  }
}

export const inFrench = sayer(french)
