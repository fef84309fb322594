import { t, type Key } from './i18n'

// What the phone provider calls the settings that people choose here.
const names: Record<string, Key> = {
  'model.model': 'errors.provider.model', 'voice.voiceId': 'errors.provider.voice', 'voice.model': 'errors.provider.voiceModel', 'transcriber.model': 'errors.provider.transcriberModel',
  'transcriber.language': 'errors.provider.transcriberLanguage',
}

/** As many of the values that could be chosen are named. */
const NAMED = 5

/** A provider's refusal without what only programs need: its name in front, the status behind, and more choices than anybody reads. */
export function plainly(text: string): string {
  return text
    .replace(/(^|: )(?:vapi|twilio): /g, '$1')
    .replace(/ \([45]\d\d\)(?=\.?$)/, '')
    .replace(/([\w.]+) must be one of the following values: ([^;]+)/g, (_, name: string, values: string) => {
      const list = values.replace(/(?:\.\.\.|…)$/, '').split(', ')
      const named = list.slice(0, NAMED).join(', ')
      return t('errors.provider.oneOf', { name: names[name] ? t(names[name]) : name, values: list.length > NAMED ? `${named}, …` : named })
    })
}
