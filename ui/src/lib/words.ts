// The plain letters of those that Unicode does not take apart, as the server's (collections/words/fold.go).
const letters: Record<string, string> = Object.fromEntries(
  ('ß:ss æ:ae œ:oe ø:o đ:d ð:d ł:l ħ:h ŧ:t þ:th ı:i ĸ:k ŋ:n ɓ:b ɗ:d ƙ:k ƴ:y ɖ:d ɛ:e ɔ:o ə:e ǝ:e ɣ:g ɲ:n ʋ:v ƒ:f ɩ:i ɪ:i ʊ:u ƈ:c '
    + 'ɠ:g ƭ:t ƥ:p ȼ:c ƀ:b ɍ:r ɏ:y ƶ:z ɨ:i ʉ:u ɵ:o ⱥ:a ɇ:e ʃ:s ʒ:z ς:σ ґ:г').split(' ').map((pair) => pair.split(':')),
)
const special = new RegExp(`[${Object.keys(letters).join('')}]`, 'gu')

/** What does not tell words apart for who looks for them: accents, capitals, letters that a keyboard lacks. */
export function folded(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.replace(special, (letter) => letters[letter]!)
}

// Large and back is what Unicode calls folding, but for the dotless i, which stays one, and the last sigma.
const small = (text: string): string => text.toLowerCase()
  .replace(/[^ı]+/gu, (part) => part.toUpperCase().toLowerCase()).replaceAll('ς', 'σ')

/** A word in its one spelling, as the server keeps it (hooks/internal/untrusted/word.go): whatever letters it is typed with. */
export function wordOf(typed: string): string {
  return small(typed.normalize('NFKC')).normalize('NFKC').trim().toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** The words somebody looks for, folded. */
export function wordsOf(typed: string): string[] {
  return folded(typed).split(/\s+/).filter(Boolean)
}

/** Whether every word stands somewhere in the texts, in any order. */
export function holds(words: readonly string[], texts: readonly string[]): boolean {
  const whole = texts.map(folded).join('\n')
  return words.every((word) => whole.includes(word))
}
