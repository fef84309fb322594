import { renderHook, waitFor } from '@testing-library/react'
import { ClientResponseError } from 'pocketbase'
import { afterEach, describe, expect, test, vi } from 'vitest'
import french from '../locales/server/fr.json'
import { problem } from './errors'
import { setLanguage, t } from './i18n'
import { pb } from './pb'
import { said } from './said'
import { inFrench, sayer } from './sentences'

const say = sayer({
  sentences: {
    'Wrong code': 'Code faux',
    'At most {1} shifts a day': '{1} plages par jour au plus',
    'Mon: {1}': 'Lundi : {1}',
    'There is no {1}': 'Il n’y a pas de {1}',
    'There is no notice {1}. The kinds are {2}': 'Pas de notification {1}. Les types sont {2}',
    'From {1} to {2}': 'Jusqu’à {2}, depuis {1}',
    'What? (a+b) [c] $1 ^ | {1} \\d': 'Quoi ? $& $1 {1}',
    '{1} asks for a second factor': '{1} exige un second facteur',
    'Only {1} may': 'Réservé : {1}',
  },
  pocketbase: { 'Cannot be blank': 'Nécessaire' },
  words: { owner: 'propriétaire', admin: 'administrateur' },
})

const gaps = (text: string) => (text.match(/\{\d+\}/g) ?? []).sort()
const filled = (text: string) => text.replace(/\{(\d+)\}/g, '‹$1›')

const refused = async (status: number, body: object) => {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))
  return problem(await pb.send('/api/x', { method: 'GET' }).catch((e: unknown) => e), t)
}

describe('a sentence of the server', () => {
  test.each([
    ['Wrong code', 'Code faux'],
    ['Wrong code.', 'Code faux.'],
    [' wrong code. ', 'Code faux.'],
    ['cannot be blank', 'Nécessaire'],
    ['At most 4 shifts a day', '4 plages par jour au plus'],
    ['From 9 to 17', 'Jusqu’à 17, depuis 9'],
    ['There is no notice "x". The kinds are a, b.', 'Pas de notification «\u00a0x\u00a0». Les types sont a, b.'],
    ['There is no bread.', 'Il n’y a pas de bread.'],
    ['What? (a+b) [c] $1 ^ | here \\d', 'Quoi ? $& $1 here'],
    ['acme $& GmbH asks for a second factor', 'acme $& GmbH exige un second facteur'],
    ['Only owner or admin may', 'Réservé : propriétaire ou administrateur'],
    ['Only owner or nobody may', 'Réservé : owner or nobody'],
    ['Mon: at most 4 shifts a day.', 'Lundi : 4 plages par jour au plus.'],
    ['Only Wrong code may', 'Réservé : Code faux'],
    ['There is no a\nb', 'Il n’y a pas de a\nb'],
  ])('%s', (english, expected) => expect(say(english)).toBe(expected))

  test.each(['', '.', 'Nobody wrote this down.', '  Spaces stay.  ', 'Wrong codes', 'The wrong code', 'What? (aab) c $1 ^ | x 1', 'At most  shifts a day', 'constructor', 'toString'])(
    'that is not known stays as it is: %j', (text) => expect(say(text)).toBe(text),
  )
})

describe('the French catalogue', () => {
  test.each([
    ['the phone provider', 'le fournisseur téléphonique'],
    ['Twilio', 'Twilio'],
  ])('names the provider a copy is at: %s', (english, name) => {
    expect(inFrench(`It is not known yet whether ${english} made it: it is looked for before it is made again.`))
      .toBe(`On ne sait pas encore si ${name} l’a créé\u00a0: il est recherché avant d’être créé de nouveau.`)
    expect(inFrench(
      `What was asked was done at ${english}, but it could not be stored here. It is tried again by itself: no disk.`,
    )).toContain(`Ce qui était demandé a été fait chez ${name}, mais`)
  })

  const all = Object.entries({ ...french.pocketbase, ...french.sentences })

  test('has the same gaps on both sides', () => {
    for (const [english, says] of all) expect(gaps(says), english).toEqual(gaps(english))
  })

  test('ends no sentence with a dot: the dot is the server’s', () => {
    for (const [english, says] of all) expect(`${english}|${says}`).not.toMatch(/\.\||\.$/)
  })

  test('begins like its sentence and holds no HTML', () => {
    for (const [english, says] of all) {
      expect(says.trim(), english).toBe(says)
      expect(says, english).not.toMatch(/^[a-zé]|<[a-z/]/)
    }
  })

  test('sets no-break spaces and French signs', () => {
    for (const [english, says] of [...all, ...Object.entries(french.words)]) {
      expect(says, english).not.toMatch(/ [?!:;»]|« |\p{L}'\p{L}|\p{L}[?!;»]/u)
      expect(says.replace(/\S*:\/\/\S*|\{".*\}|\S*\d:\d\S*|\S*::\S*/g, ''), english).not.toMatch(/\p{L}:/u)
    }
  })

  test('says automatically of what English lets happen by itself', () => {
    for (const [english, says] of all) expect(says, english).not.toMatch(/(d’elle|de lui|d’eux|d’elles)-mêmes?|tout seul|toute seule/)
  })

  test('no sentence stands in it twice', () => {
    expect(Object.keys(french.pocketbase).filter((english) => Object.hasOwn(french.sentences, english))).toEqual([])
  })

  test('every sentence finds its own translation', () => {
    for (const [english, says] of all) expect(inFrench(`${filled(english)}.`)).toBe(`${filled(says)}.`)
  })
})

describe('a failed answer', () => {
  afterEach(async () => {
    vi.unstubAllGlobals()
    await setLanguage('en')
  })

  test('is shown in French to who reads French, its fields too', async () => {
    await setLanguage('fr')
    expect((await refused(409, { error: 'This is the last owner. Make somebody else an owner first.' })).cause)
      .toBe('C’est le dernier propriétaire. Nommez d’abord un autre propriétaire.')
    const found = await refused(400, {
      error: 'Invalid request data', details: { workflow_id: 'There is no such workflow' },
      data: { area_code: { code: 'validation_invalid_area_code', message: 'An area code has three digits, for example 415.' } },
    })
    expect(found.cause).toBe('Certaines réponses sont à revoir')
    expect(found.fields).toEqual({ workflow_id: 'Ce scénario n’existe pas', area_code: 'Un indicatif régional a trois chiffres, par exemple 415.' })
  })

  test('is shown in English to who reads English, whatever was loaded before', async () => {
    const sentence = 'This is the last owner. Make somebody else an owner first.'
    expect(said(sentence)).toBe(sentence)
    expect((await refused(409, { error: sentence })).cause).toBe(sentence)
  })

  test('says a provider’s refusal without what only programs need', async () => {
    await setLanguage('fr')
    const refusal = 'vapi: model.model must be one of the following values: a, b (400)'
    expect((await refused(502, { error: `The phone provider refused: ${refusal}` })).cause).toBe('Le fournisseur téléphonique a refusé\u00a0: le modèle doit être à choisir parmi\u00a0: a, b')
    expect(said('it could not be seen whether the copy is there: vapi: Service Unavailable (503)')).toBe('Impossible de voir si la copie existe\u00a0: Le service est indisponible')
  })

  test('keeps what only the provider can say', async () => {
    await setLanguage('fr')
    expect((await refused(502, { error: 'The phone provider refused: name is too long' })).cause).toBe('Le fournisseur téléphonique a refusé\u00a0: name is too long')
    expect(problem(new ClientResponseError({ url: '/x', status: 400, data: { message: 'Quota of trunk 7.' } }), t).cause).toBe('Quota of trunk 7.')
  })
})

test('a sentence that came with an answer turns French by itself once the catalogue is there', async () => {
  vi.resetModules() // nothing is loaded yet
  const [{ setLanguage: choose }, { useSaid }] = await Promise.all([import('./i18n'), import('./said')])
  await choose('fr')
  const { result } = renderHook(() => useSaid()('Wrong code'))
  expect(result.current).toBe('Wrong code')
  await waitFor(() => expect(result.current).toBe('Ce code est incorrect'))
})
