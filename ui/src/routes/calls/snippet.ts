export interface Part {
  text: string
  hit: boolean
}

/** Cuts a search's excerpt, whose hits stand between ‹ and ›, into parts that are shown as text. */
export function parts(snippet: string): Part[] {
  const found: Part[] = []
  const add = (text: string, hit: boolean) => {
    if (text) found.push({ text, hit })
  }
  let rest = snippet
  for (;;) {
    const open = rest.indexOf('‹')
    const close = rest.indexOf('›', open + 1)
    if (open < 0 || close < 0) break
    add(rest.slice(0, open), false)
    add(rest.slice(open + 1, close), true)
    rest = rest.slice(close + 1)
  }
  add(rest, false)
  return found
}
