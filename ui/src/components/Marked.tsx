import { folded } from '../lib/words'
import classes from './Marked.module.css'

interface Part {
  text: string
  hit: boolean
}

/** Cuts a text where the words stand in it that somebody typed, folded (lib/words.ts). */
export function marked(text: string, words: readonly string[]): Part[] {
  const letters = [...text]
  const plain = letters.map(folded)
  const whole = plain.join('')
  // Folding may change how many letters there are: each of the folded ones knows where it came from.
  const from = plain.flatMap((folded, letter) => Array<number>(folded.length).fill(letter))
  const hit = new Set<number>()
  for (const word of words.filter(Boolean)) {
    let at = whole.indexOf(word)
    while (at >= 0) {
      for (const letter of from.slice(at, at + word.length)) hit.add(letter)
      at = whole.indexOf(word, at + 1)
    }
  }
  const parts: Part[] = []
  for (const [i, letter] of letters.entries()) {
    const last = parts.at(-1)
    // An accent that is a letter of its own goes with the one below it.
    const isHit = plain[i] === '' ? last?.hit === true : hit.has(i)
    if (last?.hit === isHit) last.text += letter
    else parts.push({ text: letter, hit: isHit })
  }
  return parts
}

/** Parts of a text, the hits in the colours of every search. */
export function Hits({ parts }: { parts: readonly Part[] }) {
  // oxlint-disable-next-line react/no-array-index-key -- the parts of one text never change their order
  return parts.map(({ text, hit }, i) => (hit ? <mark key={i} className={classes.hit}>{text}</mark> : <span key={i}>{text}</span>))
}

/** A text in which what was typed is marked. */
export function Marked({ text, words }: { text: string; words: readonly string[] }) {
  return <Hits parts={marked(text, words)} />
}
