// Counts the lines of TSX that are too long to be read beside another file. A list of JSX properties that does not fit in one goes
// one a line.
import fs from 'node:fs'
import path from 'node:path'

const MAX = 120
/** Long sentences and addresses have no good place to break. */
const SHARE = 0.015

const root = path.resolve(import.meta.dirname, '../src')
const lines = fs.readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.tsx'))
  .flatMap((file) => fs.readFileSync(path.join(root, file), 'utf8').trimEnd().split('\n').map((text, at) => ({ at: `src/${file}:${at + 1}`, text })))
const long = lines.filter(({ text }) => [...text].length > MAX)
const share = long.length / lines.length
console.log(`${(share * 100).toFixed(1)} % of TSX is in lines of more than ${MAX} characters; ${SHARE * 100} % may be`)
if (share > SHARE) {
  for (const { at } of long) console.error(`longer than ${MAX}: ${at}`)
  process.exit(1)
}
