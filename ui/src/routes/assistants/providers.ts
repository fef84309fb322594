import type { AssistantsModelProvider, AssistantsTranscriberProvider, AssistantsVoiceProvider } from '../../lib/pb-types.gen'

// Names change weekly at the providers: these are suggestions, any text is accepted and a wrong one comes back as the
// provider's own words on the sync chip.

/** Names as people know the companies. */
export const providerNames: Record<AssistantsModelProvider | AssistantsVoiceProvider | AssistantsTranscriberProvider, string> = {
  'openai': 'OpenAI', 'anthropic': 'Anthropic', 'google': 'Google', 'groq': 'Groq', 'xai': 'xAI', 'deep-seek': 'DeepSeek', 'together-ai': 'Together AI',
  'openrouter': 'OpenRouter', 'cerebras': 'Cerebras', 'perplexity-ai': 'Perplexity', 'vapi': 'Vapi', '11labs': 'ElevenLabs', 'azure': 'Azure',
  'cartesia': 'Cartesia', 'deepgram': 'Deepgram', 'playht': 'PlayHT', 'rime-ai': 'Rime', 'lmnt': 'LMNT', 'hume': 'Hume', 'inworld': 'Inworld',
  'minimax': 'MiniMax', 'assembly-ai': 'AssemblyAI', 'gladia': 'Gladia', 'soniox': 'Soniox', 'speechmatics': 'Speechmatics', 'talkscriber': 'Talkscriber',
}

export const models: Partial<Record<AssistantsModelProvider, readonly string[]>> = {
  openai: ['gpt-4.1-mini', 'gpt-4.1', 'gpt-4.1-nano', 'gpt-4o', 'gpt-4o-mini', 'gpt-5.4-mini', 'gpt-5.4'],
  anthropic: ['claude-sonnet-4-6', 'claude-opus-4-6', 'claude-haiku-4-5-20251001'],
  google: ['gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-2.5-pro', 'gemini-3.5-flash'],
  groq: ['llama-3.3-70b-versatile', 'openai/gpt-oss-120b'],
}

export const voices: Partial<Record<AssistantsVoiceProvider, readonly string[]>> = {
  'vapi': ['Elliot', 'Kylie', 'Rohan', 'Lily', 'Savannah', 'Hana', 'Neha', 'Cole', 'Harry', 'Paige', 'Spencer'],
  'azure': ['fr-FR-DeniseNeural', 'fr-FR-HenriNeural', 'fr-CA-SylvieNeural', 'fr-BE-CharlineNeural', 'en-US-JennyNeural', 'en-GB-SoniaNeural'],
  'openai': ['alloy', 'echo', 'nova', 'onyx', 'shimmer'],
  '11labs': ['sarah', 'paula', 'burt', 'steve'],
}

export const transcriberModels: Partial<Record<AssistantsTranscriberProvider, readonly string[]>> = {
  deepgram: ['nova-3', 'nova-2', 'flux-general-en', 'flux-general-multi'],
}

/** The speeds a provider takes; undefined where a voice has one speed only. Vapi's documentation, voices. */
const speeds: Partial<Record<AssistantsVoiceProvider, readonly [min: number, max: number] | null>> = {
  '11labs': [0.7, 1.2], 'playht': [0.1, 5], 'azure': [0.5, 2], 'openai': [0.25, 4], 'vapi': [0.25, 2], 'deepgram': null,
}
export function speedRange(provider: string, limit: { min: number; max: number }): readonly [number, number] | undefined {
  const range = speeds[provider as AssistantsVoiceProvider]
  if (range === null) return undefined
  return range ?? [Math.max(limit.min, 0.1), limit.max]
}

/** ElevenLabs alone has a setting for how even a voice is. */
export const hasStability = (provider: string): boolean => provider === '11labs'

/** Languages offered; the field takes any code. */
export const languages = ['fr', 'en', 'es', 'de', 'it', 'pt', 'nl', 'ar', 'pl', 'ro', 'tr', 'uk', 'wo', 'zh', 'ja', 'hi'] as const

/** A language's name in the reader's language: "French", "français". */
export function languageName(code: string, reader: string): string {
  if (!code) return ''
  try {
    const name = new Intl.DisplayNames([reader], { type: 'language' }).of(code) ?? code
    return name.charAt(0).toLocaleUpperCase(reader) + name.slice(1)
  } catch {
    return code // typed by hand: not a code at all
  }
}
