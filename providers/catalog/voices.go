package catalog

import (
	"maps"
	"slices"
	"strings"
)

// This file is what the document does not say: which providers the form offers,
// names of companies and languages, voices of providers that list none, and what
// is taken when nobody chooses.

// offered are the providers the form offers, those most people take first.
var offered = map[Part][]string{
	Models: {"openai", "anthropic", "google", "groq", "xai", "deep-seek", "together-ai", "openrouter",
		"cerebras", "perplexity-ai"},
	Voices: {
		"vapi", "11labs", "azure", "cartesia", "deepgram", "openai", "playht", "rime-ai", "lmnt", "hume",
		"inworld", "minimax",
	},
	Transcribers: {
		"deepgram", "assembly-ai", "azure", "cartesia", "11labs", "gladia", "google", "openai", "soniox",
		"speechmatics", "talkscriber",
	},
}

// Offered are the providers the form offers for a part.
func Offered(part Part) []string { return offered[part] }

// usual are the providers that are taken, in this order, when nobody chooses:
// those that cost least, then one with many languages.
var usual = map[Part][]string{Models: {"openai"}, Voices: {"vapi", "11labs"}, Transcribers: {"deepgram", "11labs"}}

// Default is the provider of a part for a language, when nobody chooses one.
func Default(part Part, language string) string {
	for _, id := range usual[part] {
		if Find(part, id).Knows(language) {
			return id
		}
	}
	return usual[part][0]
}

// preferredModels come first: quick enough for a conversation, or the only ones
// we know where the document names none.
var preferredModels = map[Part]map[string][]string{
	Models: {
		"openai": {"gpt-4.1-mini", "gpt-4.1", "gpt-4.1-nano"}, "anthropic": {"claude-sonnet-4-6",
			"claude-haiku-4-5-20251001"},
		"google": {"gemini-2.5-flash"}, "groq": {"llama-3.3-70b-versatile"}, "xai": {"grok-4.3"},
		"cerebras":   {"llama-3.3-70b"},
		"openrouter": {"openai/gpt-4.1-mini"}, "perplexity-ai": {"sonar"},
		"together-ai": {"meta-llama/Llama-3.3-70B-Instruct-Turbo"},
	},
}

// otherModels are needed for languages besides English: what the provider takes
// by itself speaks or understands English only.
var otherModels = map[Part]map[string]string{
	Voices:       {"11labs": "eleven_turbo_v2_5"},
	Transcribers: {"assembly-ai": "universal-streaming-multilingual"},
}

// Model is the model that is taken for a language when nobody chooses one;
// empty where the provider chooses by itself.
func (p *Provider) Model(language string) string {
	if p.otherModel != "" && language != "" && Base(language) != "en" {
		return p.otherModel
	}
	if (p.ModelMust || p == Find(Transcribers, "deepgram")) && len(p.Models) > 0 {
		return p.Models[0]
	}
	return ""
}

// Voice is the voice that is taken for a language when nobody chooses one; empty
// where the table has none that speaks it.
func (p *Provider) Voice(language string) string {
	made := p.VoicesFor[Base(language)]
	for _, voice := range made {
		if strings.HasPrefix(voice, strings.ReplaceAll(language, "_", "-")+"-") { // fr-CA-SylvieNeural
			return voice
		}
	}
	if len(made) > 0 {
		return made[0]
	}
	if p.AnyLanguage {
		return p.Voices[0]
	}
	return ""
}

// AnyVoice is Voice, or the first of the provider's where the table has none that
// speaks the language: for those who name a provider and cannot choose a voice.
func (p *Provider) AnyVoice(language string) string {
	if voice := p.Voice(language); voice != "" || len(p.Voices) == 0 {
		return voice
	}
	return p.Voices[0]
}

// madeFor is the language a voice was made for; empty where it speaks several,
// or the table does not say.
func (p *Provider) madeFor(voice string) string {
	for _, language := range slices.Sorted(maps.Keys(p.VoicesFor)) {
		if slices.Contains(p.VoicesFor[language], voice) {
			return language
		}
	}
	return ""
}

// anyLanguage are the providers whose voices speak every language the provider
// knows: it is told the language, or hears it in the text.
var anyLanguage = []string{"vapi", "11labs", "openai", "playht", "lmnt"}

// ownVoices are voices from the providers' own public lists, by the language
// they were made for; those of anyLanguage have none.
var ownVoices = map[string][]struct {
	language string
	voices   []string
}{
	"vapi": {{"", []string{"Elliot", "Kylie", "Rohan", "Lily", "Savannah", "Hana", "Neha", "Cole", "Harry",
		"Paige", "Spencer"}}},
	"azure": {
		{"ar", []string{"ar-SA-ZariyahNeural", "ar-EG-SalmaNeural", "ar-MA-MounaNeural"}},
		{"cs", []string{"cs-CZ-VlastaNeural"}},
		{"da", []string{"da-DK-ChristelNeural"}},
		{"de", []string{"de-DE-KatjaNeural", "de-DE-ConradNeural", "de-AT-IngridNeural", "de-CH-LeniNeural"}},
		{"el", []string{"el-GR-AthinaNeural"}},
		{"en", []string{"en-US-JennyNeural", "en-US-GuyNeural", "en-GB-SoniaNeural", "en-GB-RyanNeural",
			"en-AU-NatashaNeural"}},
		{"es", []string{"es-ES-ElviraNeural", "es-ES-AlvaroNeural", "es-MX-DaliaNeural"}},
		{"fi", []string{"fi-FI-NooraNeural"}},
		{"fr", []string{
			"fr-FR-DeniseNeural", "fr-FR-HenriNeural", "fr-CA-SylvieNeural", "fr-BE-CharlineNeural",
			"fr-CH-ArianeNeural",
		}},
		{"he", []string{"he-IL-HilaNeural"}},
		{"hi", []string{"hi-IN-SwaraNeural"}},
		{"hu", []string{"hu-HU-NoemiNeural"}},
		{"it", []string{"it-IT-ElsaNeural", "it-IT-DiegoNeural"}},
		{"ja", []string{"ja-JP-NanamiNeural", "ja-JP-KeitaNeural"}},
		{"ko", []string{"ko-KR-SunHiNeural"}},
		{"nl", []string{"nl-NL-ColetteNeural", "nl-NL-MaartenNeural"}},
		{"pl", []string{"pl-PL-AgnieszkaNeural"}},
		{"pt", []string{"pt-BR-FranciscaNeural", "pt-BR-AntonioNeural", "pt-PT-RaquelNeural"}},
		{"ro", []string{"ro-RO-AlinaNeural"}},
		{"ru", []string{"ru-RU-SvetlanaNeural"}},
		{"sv", []string{"sv-SE-SofieNeural"}},
		{"sw", []string{"sw-KE-ZuriNeural"}},
		{"tr", []string{"tr-TR-EmelNeural"}},
		{"uk", []string{"uk-UA-PolinaNeural"}},
		{"zh", []string{"zh-CN-XiaoxiaoNeural", "zh-CN-YunxiNeural"}},
	},
	"cartesia": {
		{"en", []string{"79a125e8-cd45-4c13-8a67-188112f4dd22", "a0e99841-438c-4a64-b679-ae501e7d6091"}},
		{"fr", []string{"a8a1eb38-5f15-4c1d-8722-7ac0f329727d", "a249eaff-1e96-4d2c-b23b-12efa4f66f41"}},
		{"de", []string{"3f4ade23-6eb4-4279-ab05-6a144947c4d5"}},
		{"es", []string{"2deb3edf-b9d8-4d06-8db9-5742fb8a3cb2"}},
		{"ja", []string{"97e7d7a9-dfaa-4758-a936-f5f844ac34cc"}},
		{"zh", []string{"eda5bbff-1ff1-4886-8ef1-4e69a77640a0"}},
	},
	"hume": {{"en", []string{"b201d214-914c-4d0a-b8e4-54adfc14a0dd", "ee96fb5f-ec1a-4f41-a9ba-6d119e64c8fd"}}},
	"minimax": {
		{"en", []string{"English_expressive_narrator", "English_Graceful_Lady"}},
		{"fr", []string{"French_FemaleAnchor", "French_MaleNarrator"}},
		{"de", []string{"German_SweetLady", "German_FriendlyMan"}},
		{"it", []string{"Italian_Narrator"}},
	},
	// The document lists these; they are good for a beginning, and for languages
	// it does not tell them apart by.
	"deepgram": {
		{"en", []string{"thalia", "asteria", "apollo"}},
		{"de", []string{"viktoria", "julius", "elara", "aurelia", "lara", "fabian", "kara"}},
		{"es", []string{"celeste", "estrella", "nestor", "sirio", "carina", "alvaro", "diana", "aquila",
			"selena", "javier"}},
	},
	"11labs":  {{"", []string{"sarah"}}},
	"rime-ai": {{"en", []string{"luna"}}},
}

// voiceNames are names of voices whose ids say nothing.
var voiceNames = map[string]string{
	"79a125e8-cd45-4c13-8a67-188112f4dd22": "British Lady",
	"a0e99841-438c-4a64-b679-ae501e7d6091": "Barbershop Man",
	"a8a1eb38-5f15-4c1d-8722-7ac0f329727d": "Calm French Woman",
	"a249eaff-1e96-4d2c-b23b-12efa4f66f41": "French Conversational Lady",
	"3f4ade23-6eb4-4279-ab05-6a144947c4d5": "German Conversational Woman",
	"2deb3edf-b9d8-4d06-8db9-5742fb8a3cb2": "Spanish Narrator Lady",
	"97e7d7a9-dfaa-4758-a936-f5f844ac34cc": "Japanese Man Book",
	"eda5bbff-1ff1-4886-8ef1-4e69a77640a0": "Chinese Commercial Man",
	"b201d214-914c-4d0a-b8e4-54adfc14a0dd": "Inspiring Woman",
	"ee96fb5f-ec1a-4f41-a9ba-6d119e64c8fd": "Vince Douglas",
}

// voicesOf joins the voices of the document with ours.
func voicesOf(id string, listed []string, byLanguage map[string][]string) ([]string, map[string][]string) {
	var mine []string
	made := map[string][]string{}
	for language, voices := range byLanguage {
		made[language] = voices
	}
	for _, own := range ownVoices[id] {
		mine = append(mine, own.voices...)
		if own.language != "" {
			made[own.language] = append(made[own.language], own.voices...)
		}
	}
	var all []string
	for _, voice := range append(mine, listed...) {
		if !slices.Contains(all, voice) {
			all = append(all, voice)
		}
	}
	return all, made
}

// companies are the names people know; others are called as Vapi calls them.
var companies = map[string]string{
	"openai": "OpenAI", "anthropic": "Anthropic", "google": "Google", "groq": "Groq", "xai": "xAI",
	"deep-seek":   "DeepSeek",
	"together-ai": "Together AI", "openrouter": "OpenRouter", "cerebras": "Cerebras",
	"perplexity-ai": "Perplexity", "vapi": "Vapi",
	"11labs": "ElevenLabs", "azure": "Azure", "cartesia": "Cartesia", "deepgram": "Deepgram",
	"playht": "PlayHT", "rime-ai": "Rime",
	"lmnt": "LMNT", "hume": "Hume", "inworld": "Inworld", "minimax": "MiniMax", "assembly-ai": "AssemblyAI",
	"gladia": "Gladia",
	"soniox": "Soniox", "speechmatics": "Speechmatics", "talkscriber": "Talkscriber",
}

func nameOf(id string) string {
	if name := companies[id]; name != "" {
		return name
	}
	return id
}

// languages are those the form offers, with the names a model is told.
var languages = []struct{ code, name string }{
	{"fr", "French"}, {"en", "English"}, {"es", "Spanish"}, {"de", "German"}, {"it", "Italian"}, {"pt",
		"Portuguese"}, {"nl", "Dutch"},
	{"ar", "Arabic"}, {"bn", "Bengali"}, {"cs", "Czech"}, {"da", "Danish"}, {"el", "Greek"}, {"fi", "Finnish"},
	{"he", "Hebrew"},
	{"hi", "Hindi"}, {"hu", "Hungarian"}, {"id", "Indonesian"}, {"ja", "Japanese"}, {"ko", "Korean"}, {"no",
		"Norwegian"}, {"pl", "Polish"},
	{"ro", "Romanian"}, {"ru", "Russian"}, {"sv", "Swedish"}, {"sw", "Swahili"}, {"th", "Thai"}, {"tr",
		"Turkish"}, {"uk", "Ukrainian"},
	{"vi", "Vietnamese"}, {"wo", "Wolof"}, {"zh", "Chinese"},
}

// Languages are the codes of the languages the form offers.
func Languages() []string {
	var codes []string
	for _, l := range languages {
		codes = append(codes, l.code)
	}
	return codes
}

// LanguageName is the English name of a language, or its code where we have none.
func LanguageName(code string) string {
	for _, l := range languages {
		if l.code == Base(code) {
			return l.name
		}
	}
	return code
}

// makers are told by how their language models' names begin.
var makers = []struct{ beginning, provider string }{
	{"gpt", "openai"}, {"chatgpt", "openai"}, {"o1", "openai"}, {"o3", "openai"}, {"o4", "openai"},
	{"claude", "anthropic"},
	{"gemini", "google"}, {"grok", "xai"}, {"llama", "groq"}, {"mixtral", "groq"}, {"deepseek", "deep-seek"},
	{"sonar", "perplexity-ai"},
}

// MakerOf is the provider of a language model that is named without one, "" when the
// name's beginning tells nothing.
func MakerOf(model string) string {
	for _, m := range makers {
		if strings.HasPrefix(strings.ToLower(model), m.beginning) {
			return m.provider
		}
	}
	return ""
}
