// The dashboard's own sentences, so that a journey reads in any of its languages (E2E_LANGUAGE=fr) and breaks when a
// sentence goes.
import fs from 'node:fs'
import path from 'node:path'

export const language = process.env.E2E_LANGUAGE === 'fr' ? 'fr' : 'en'

const read = (file) => JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, '../src/locales', file), 'utf8'))
const merge = (a, b) => Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) =>
  [key, typeof a[key] === 'object' && typeof b[key] === 'object' ? merge(a[key], b[key]) : b[key] ?? a[key]]))

/** The sentences of a language: by a key, with its values; `count` chooses between one and several. */
function sentences(language) {
  const catalogue = ['people', 'calls', 'build'].reduce((all, part) => merge(all, read(`${part}/${language}.json`)), read(`${language}.json`))
  return (key, values = {}) => {
    const find = (name) => name.split('.').reduce((at, part) => at?.[part], catalogue)
    const form = 'count' in values ? new Intl.PluralRules(language).select(values.count) : ''
    const text = find(key) ?? find(`${key}_${form}`) ?? find(`${key}_other`)
    if (typeof text !== 'string') throw new Error(`the ${language} catalogue has no ${key}`)
    return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => String(values[name]))
  }
}

export const t = sentences(language)
export const fr = sentences('fr')
