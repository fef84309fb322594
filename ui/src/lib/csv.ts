// Tells spreadsheets that the file is UTF-8.
const MARK = '\ufeff'

// What a spreadsheet takes for the beginning of a formula, blanks and marks that it skips before it; full-width signs are read
// alike in East Asia.
const formula = /^(?:[\t\n]|[\s\p{Cf}\p{Mn}]*[=+\-@＝＋－＠﹢﹣﹦﹫−])/u

/** A text as a cell that no spreadsheet runs: an apostrophe stands before what it would. Other control characters are left out. */
function cell(text: string): string {
  const clean = text.replace(/\r\n?/g, '\n').replace(/(?![\t\n])\p{Cc}/gu, '')
  const safe = formula.test(clean) ? `'${clean}` : clean
  return /[",\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A table as a CSV file, the same that the server's exports are: the first row names the columns. */
export function csv(rows: readonly (readonly string[])[]): Blob {
  return new Blob([MARK, ...rows.map((row) => `${row.map(cell).join(',')}\n`)], { type: 'text/csv;charset=utf-8' })
}
