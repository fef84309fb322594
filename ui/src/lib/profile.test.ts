import { afterEach, expect, test, vi } from 'vitest'
import { keys, recall } from './prefs'
import { pb } from './pb'
import { chooseLanguage, withChosenLanguage } from './profile'
import type { Me } from './session'

const me = { id: 'u1', language: 'en' } as Me
afterEach(() => vi.restoreAllMocks())

test('a language chosen on the sign-in page holds afterwards, in the profile too', async () => {
  const update = vi.fn().mockResolvedValue({ ...me, language: 'fr' })
  vi.spyOn(pb, 'collection').mockReturnValue({ update } as never)
  await chooseLanguage('fr')
  expect((await withChosenLanguage(me)).language).toBe('fr')
  expect(update).toHaveBeenCalledWith('u1', { language: 'fr' })
  expect(recall(keys.chosen)).toBe('') // the next person chooses anew
  expect(await withChosenLanguage(me)).toBe(me)
})

test('where it cannot be saved the page keeps it all the same; who chose nothing gets their own', async () => {
  vi.spyOn(pb, 'collection').mockReturnValue({ update: vi.fn().mockRejectedValue(new Error('offline')) } as never)
  expect(await withChosenLanguage(me)).toBe(me)
  await chooseLanguage('fr')
  expect((await withChosenLanguage(me)).language).toBe('fr')
})

test('who is signed in already, as an invitation opens, chooses for their profile at once', async () => {
  const update = vi.fn().mockResolvedValue({ ...me, language: 'fr' })
  vi.spyOn(pb, 'collection').mockReturnValue({ update } as never)
  vi.spyOn(pb.authStore, 'isValid', 'get').mockReturnValue(true)
  vi.spyOn(pb.authStore, 'record', 'get').mockReturnValue(me as never)
  await chooseLanguage('fr')
  expect(update).toHaveBeenCalledWith('u1', { language: 'fr' })
  expect(recall(keys.chosen) ?? '').toBe('') // it is no wish of whoever signs in next
})
