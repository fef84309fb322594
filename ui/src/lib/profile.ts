import { api } from './api'
import { setLanguage, type Language } from './i18n'
import { pb } from './pb'
import { isTheme, keys, recall, remember, type Theme } from './prefs'
import type { Me } from './session'

/** Makes this browser look as the person chose on another one. Called at sign-in and when the profile is saved. */
export async function applyProfile(me: Me | null, setTheme: (theme: Theme) => void): Promise<void> {
  if (!me) return
  if (isTheme(me.theme)) setTheme(me.theme)
  if (me.preferences?.shortcuts !== undefined) remember(keys.shortcuts, me.preferences.shortcuts ? 'on' : 'off')
  if (me.language === 'en' || me.language === 'fr') await setLanguage(me.language)
}

/** Takes a language chosen before signing in: it holds afterwards too. Who is signed in already has it in their profile at once. */
export async function chooseLanguage(language: Language): Promise<void> {
  const me = pb.authStore.isValid ? (pb.authStore.record as unknown as Me | null) : null
  if (!me) remember(keys.chosen, language)
  await setLanguage(language)
  if (me) await saveMe(me, { language }).catch(() => undefined) // this browser shows it all the same
}

/** The person as they sign in, with the language they chose on the way, which their profile has from then on. */
export async function withChosenLanguage(me: Me): Promise<Me> {
  const chosen = recall(keys.chosen)
  remember(keys.chosen, '')
  if ((chosen !== 'en' && chosen !== 'fr') || chosen === me.language) return me
  return saveMe(me, { language: chosen }).catch(() => ({ ...me, language: chosen })) // this browser shows it all the same
}

/** Saves part of the signed-in person's own record; the session's copy follows. */
export async function saveMe(me: Me, change: Partial<Me> & { oldPassword?: string; password?: string; passwordConfirm?: string }): Promise<Me> {
  return pb.collection('users').update<Me>(me.id, change)
}

/** What the dashboard remembers of a person, by name. */
export type Preferences = Record<string, unknown>

const hold = (preferences: Preferences): void => {
  const { token, record } = pb.authStore
  if (record && JSON.stringify(record.preferences ?? {}) !== JSON.stringify(preferences)) pb.authStore.save(token, { ...record, preferences })
}

/** The preferences as another browser may have left them; the session's copy follows. */
export async function freshPreferences(): Promise<Preferences> {
  const { data } = await api.get<{ data: Preferences }>('/api/user/preferences')
  hold(data)
  return data
}

/** Saves the preferences that are named and leaves the others as they are; null forgets one. The session's copy follows. */
export async function savePreferences(change: Preferences): Promise<void> {
  await api.post('/api/user/preferences', { preferences: change })
  hold({ ...(pb.authStore.record?.preferences as Preferences | null | undefined), ...change })
}
