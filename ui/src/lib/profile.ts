import { setLanguage } from './i18n'
import { pb } from './pb'
import { isTheme, keys, remember, type Theme } from './prefs'
import type { Me } from './session'

/** Makes this browser look as the person chose on another one. Called at sign-in and when the profile is saved. */
export async function applyProfile(me: Me | null, setTheme: (theme: Theme) => void): Promise<void> {
  if (!me) return
  if (isTheme(me.theme)) setTheme(me.theme)
  if (me.preferences?.shortcuts !== undefined) remember(keys.shortcuts, me.preferences.shortcuts ? 'on' : 'off')
  if (me.language === 'en' || me.language === 'fr') await setLanguage(me.language)
}

/** Saves part of the signed-in person's own record; the session's copy follows. */
export async function saveMe(me: Me, change: Partial<Me> & { oldPassword?: string; password?: string; passwordConfirm?: string }): Promise<Me> {
  return pb.collection('users').update<Me>(me.id, change)
}
