import { expect, test } from 'vitest'
import { csv } from './csv'

test('a table is written so that no spreadsheet runs or tears anything of it', async () => {
  const rows = [['name', 'text'], ['hours', 'Open "daily", 9 to 5'], ['two', 'a\r\nb'], ['=1+1', '\u200b@SUM(A1)'], ['\u0000bell\u0007', '−5'], ['', ' kept ']]
  expect(await csv(rows).text()).toBe([
    '\ufeffname,text', 'hours,"Open ""daily"", 9 to 5"', 'two,"a\nb"', "'=1+1,'\u200b@SUM(A1)", "bell,'−5", '," kept "', '',
  ].join('\n'))
})
