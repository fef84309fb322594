import { expect, test } from 'vitest'
import { parts } from './snippet'

const show = (snippet: string) => parts(snippet).map(({ text, hit }) => (hit ? `[${text}]` : text)).join('|')

test.each([
  ['…a ‹cleaning› for ‹tomorrow›', '…a |[cleaning]| for |[tomorrow]'],
  ['‹price›', '[price]'],
  ['nothing found', 'nothing found'],
  ['a mark that never ‹closes', 'a mark that never ‹closes'],
  ['‹› empty', ' empty'],
  ['<b>‹bold›</b>', '<b>|[bold]|</b>'],
  ['', ''],
])('%s', (snippet, want) => {
  expect(show(snippet)).toBe(want)
})
