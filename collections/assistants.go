package collections

import "github.com/pocketbase/pocketbase/core"

// Assistants answer the phone. Each voice assistant has a copy at Vapi.
const Assistants = "assistants"

// States of an assistant. Only an active one answers.
const (
	AssistantActive   = "active"
	AssistantInactive = "inactive"
	AssistantTraining = "training"
	AssistantError    = "error"
)

// AssistantTypes as the old system named them; voice assistants are mirrored.
var AssistantTypes = []string{"voice", "messaging", "email", "workspace"}

// Providers an assistant can be built from (providers/vapi.md 3.1). The old
// spelling `elevenlabs` is accepted by the documented routes and stored as
// Vapi's `11labs`.
var (
	ModelProviders = []string{"openai", "anthropic", "google", "groq", "xai", "deep-seek", "together-ai",
		"openrouter", "cerebras", "perplexity-ai"}
	VoiceProviders = []string{"vapi", "11labs", "azure", "cartesia", "deepgram", "openai", "playht",
		"rime-ai", "lmnt", "hume", "inworld", "minimax"}
	TranscriberProviders = []string{"deepgram", "assembly-ai", "azure", "cartesia", "11labs", "gladia",
		"google", "openai", "soniox", "speechmatics", "talkscriber"}
)

// AssistantUnset are the columns of an assistant that may be nobody's wish though a
// number always holds one, and its language may be known from elsewhere.
var AssistantUnset = []string{"model_temperature", "voice_stability", "language"}

func assistants() *core.Collection {
	name := required(text("name", nameMax)).(*core.TextField)
	name.Min = 2
	fields := []core.Field{
		name,
		text("description", descriptionMax),
		choice("type", AssistantTypes...),
		choice("status", AssistantActive, AssistantInactive, AssistantTraining, AssistantError),
		text("language", 10),
		text("personality", noteMax),
		text("system_prompt", promptMax),
		text("first_message", 1_000),
		choice("model_provider", ModelProviders...),
		text("model_name", nameMax),
		between("model_temperature", 0, 2),
		between("model_max_tokens", 0, 10_000),
		choice("voice_provider", VoiceProviders...),
		text("voice_id", nameMax),
		text("voice_model", nameMax),
		between("voice_speed", 0, 5),
		between("voice_stability", 0, 1),
		choice("transcriber_provider", TranscriberProviders...),
		text("transcriber_model", nameMax),
		text("transcriber_language", 20),
		relations("functions", Functions, 20),
		text("forwarding_phone_number", 40),
		text("end_call_message", 1_000),
		text("voicemail_message", 1_000),
		object("end_call_phrases", SmallJSON),
		boolean("end_call_disabled"), // the assistant may hang up unless this is set
		between("max_duration_seconds", 0, 43_200),
		between("silence_timeout_seconds", 0, 3_600),
		boolean("recording_enabled"),
		object("tools_config", SmallJSON),
		object("config", SmallJSON),
		object("metadata", SmallJSON),
		// Settings that stand here without being wished: the copy does without them.
		hidden(&core.SelectField{Name: "unset", Values: AssistantUnset, MaxSelect: len(AssistantUnset)}),
		relation("created_by", Users),
	}
	c := tenant(Assistants, append(fields, mirrored("vapi_assistant_id")...)...)
	unique(c, "vapi_assistant_id", "vapi_assistant_id != ''")
	index(c, "organization, name")
	index(c, "organization, created")
	index(c, "created_by")
	manage := Can("organization", CanManageAgents)
	server := append(mirrorColumns("vapi_assistant_id"), "created_by")
	access(c, Member("organization"), Member("organization"), Create(manage, server...), Update(manage, server...), manage)
	return c
}

var _ = declare(Assistants, assistants, Traits{
	Personal: []string{"forwarding_phone_number", "metadata"},
	Plain: []string{
		"name", "description", "language", "personality", "system_prompt", "first_message", "model_name", "voice_id",
		"voice_model", "transcriber_model", "transcriber_language", "end_call_message", "voicemail_message",
		"end_call_phrases", "tools_config", "config", "vapi_assistant_id",
	},
	Keys:   KeysWrite,
	Logged: true,
	Chosen: []string{"language"},
})

// mirrorColumns are the names of the columns mirrored adds that a client sees.
func mirrorColumns(providerID string) []string {
	return []string{providerID, "sync_status", "sync_error", "synced_at"}
}
