package assistants

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/providers/catalog"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Columns with Vapi's ids.
const (
	assistantID = "vapi_assistant_id"
	toolID      = "vapi_tool_id"
)

// assistantFields are the columns an assistant's copy is made of.
var assistantFields = []string{
	"type", "name", "language", "personality", "system_prompt", "first_message", "model_provider", "model_name",
	"model_temperature",
	"model_max_tokens", "voice_provider", "voice_id", "voice_model", "voice_speed", "voice_stability",
	"transcriber_provider",
	"transcriber_model", "transcriber_language", "functions", "unset", "forwarding_phone_number",
	"end_call_message", "voicemail_message", "end_call_phrases", "end_call_disabled", "max_duration_seconds",
	"silence_timeout_seconds", "recording_enabled", "config",
}

// toolFields are the columns a function's copy is made of. Address and
// headers are not among them: Vapi calls us, and we call the address.
var toolFields = []string{"name", "description", "parameters", "timeout_ms", "async", "messages"}

// serverMessages are what Vapi tells us of a call. Final transcripts only, as
// each message repeats the conversation so far; who is speaking, for those who look on.
// NB! Never phone-call-control: whoever asks for it has to hang up and forward
// by itself (providers' documentation, server events).
var serverMessages = []string{
	vapi.TypeStatusUpdate, vapi.TypeTranscriptFinal, vapi.TypeToolCalls, vapi.TypeTransferDestinationRequest,
	vapi.TypeHandoffDestinationRequest, vapi.TypeTransferUpdate, vapi.TypeHang, vapi.TypeLanguageChangeDetected,
	vapi.TypeEndOfCallReport, vapi.TypeAssistantStarted, vapi.TypeSpeechUpdate,
}

// clearable are top-level keys that are sent as null when they were set before
// and are not any more.
var clearable = []string{
	"analysisPlan", // deprecated; outputs.go
	"voice", "transcriber", "firstMessage", "endCallMessage", "voicemailMessage", "endCallPhrases", "maxDurationSeconds",
	"silenceTimeoutSeconds", "firstMessageMode", "firstMessageInterruptionsEnabled", "voicemailDetection",
	"backgroundSound", "clientMessages",
	"modelOutputInMessagesEnabled", "transportConfigurations", "observabilityPlan", "hooks", "compliancePlan",
	"backgroundSpeechDenoisingPlan", "startSpeakingPlan", "stopSpeakingPlan", "keypadInputPlan",
}

// toAssistant is the copy of an assistant. toolIDs are the copies of its
// functions. https://docs.vapi.ai/api-reference/assistants/create
func toAssistant(a *core.Record, toolIDs []string, server *vapi.Server) *vapi.AssistantDTO {
	dto := &vapi.AssistantDTO{
		Name:           a.GetString("name"),
		Model:          toModel(a, toolIDs),
		Voice:          toVoice(a),
		Transcriber:    toTranscriber(a),
		EndCallPhrases: phrases(a),
		ServerMessages: serverMessages,
		Server:         server,
		ArtifactPlan:   &vapi.ArtifactPlan{RecordingEnabled: vapi.Ptr(a.GetBool("recording_enabled"))},
		MonitorPlan:    &vapi.MonitorPlan{ListenEnabled: vapi.Ptr(true), ControlEnabled: vapi.Ptr(true)},
		Extra:          advanced(a),
	}
	if text := a.GetString("first_message"); text != "" {
		dto.FirstMessage = vapi.Value(text)
	}
	if text := a.GetString("end_call_message"); text != "" {
		dto.EndCallMessage = vapi.Value(text)
	}
	if text := a.GetString("voicemail_message"); text != "" {
		dto.VoicemailMessage = vapi.Value(text)
	}
	if n := a.GetInt("max_duration_seconds"); n > 0 {
		dto.MaxDurationSeconds = min(max(n, 10), 43_200)
	}
	if n := a.GetInt("silence_timeout_seconds"); n > 0 {
		dto.SilenceTimeoutSeconds = min(max(n, 5), 3_600)
	}
	return dto
}

// transferWords tell the model when to pass a caller on, and us which transfer is
// ours.
const transferWords = "A person. Transfer the caller here when they ask for one or when you cannot help."

func toModel(a *core.Record, toolIDs []string) *vapi.Model {
	m := &vapi.Model{
		Messages: []vapi.ChatMessage{{Role: "system", Content: prompt(a)}},
		ToolIDs:  append([]string{}, toolIDs...), // empty, not nil: it clears the list
		Extra:    modelPart.fit(a),
	}
	if wished(a, "model_temperature") {
		m.Temperature = vapi.Ptr(a.GetFloat("model_temperature"))
	}
	if n := a.GetInt("model_max_tokens"); n > 0 {
		m.MaxTokens = min(max(n, 50), 10_000)
	}
	if number := a.GetString("forwarding_phone_number"); number != "" {
		m.Tools = append(m.Tools, vapi.ToolDTO{
			Type: "transferCall",
			Destinations: []vapi.Destination{{
				Type: "number", Number: number, Description: transferWords,
			}},
		})
	}
	if !a.GetBool("end_call_disabled") {
		// Without it only a phrase of the list ends a call, and the end message,
		// which Vapi says when the assistant hangs up, is never said.
		m.Tools = append(m.Tools, vapi.ToolDTO{Type: "endCall"})
	}
	return m
}

// prompt is the system message: what the person wrote, then what the form asks
// for beside it.
func prompt(a *core.Record) string {
	parts := []string{strings.TrimSpace(a.GetString("system_prompt"))}
	if parts[0] == "" {
		parts[0] = "You are " + a.GetString("name") +
			", the phone assistant of a business. Find out what the caller needs, help where you can, " +
			"and otherwise take a message with name and number. Keep every answer short: it is spoken."
	}
	if text := strings.TrimSpace(a.GetString("personality")); text != "" {
		parts = append(parts, "Your personality: "+text)
	}
	if code := a.GetString("language"); code != "" && wished(a, "language") {
		parts = append(parts, "Speak "+languageName(code)+" unless the caller prefers another language.")
	}
	return strings.Join(parts, "\n\n")
}

// languageName is what a model is told, by name where we have one.
func languageName(code string) string {
	if name := catalog.LanguageName(code); name != code {
		return name
	}
	return `the language with the code "` + code + `"`
}

// toVoice is nil for Vapi's own default.
func toVoice(a *core.Record) *vapi.Voice {
	fields := voicePart.fit(a)
	if fields == nil {
		return nil
	}
	if fields["provider"] == "11labs" && wished(a, "voice_stability") {
		fields["stability"] = a.GetFloat("voice_stability") // 0 is the liveliest
	}
	return &vapi.Voice{Extra: fields}
}

func toTranscriber(a *core.Record) *vapi.Transcriber {
	if fields := transcriberPart.fit(a); fields != nil {
		return &vapi.Transcriber{Extra: fields}
	}
	return nil
}

// phrases are the sentences that end a call; Vapi takes 2 to 140 characters.
func phrases(a *core.Record) []string {
	var all []string
	if a.UnmarshalJSONField("end_call_phrases", &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(p string) bool { n := len([]rune(p)); return n < 2 || n > 140 })
}

// toTool is the copy of a function.
// https://docs.vapi.ai/api-reference/tools/create
func toTool(f *core.Record, server *vapi.Server) *vapi.ToolDTO {
	// Vapi waits for us a little longer than we wait for the function's own server.
	if seconds := int(math.Ceil(f.GetFloat("timeout_ms")/1000)) + 5; seconds > server.TimeoutSeconds {
		server.TimeoutSeconds = seconds
	}
	dto := &vapi.ToolDTO{
		Type: "function",
		Function: &vapi.ToolFunction{Name: f.GetString("name"), Description: f.GetString("description"),
			Parameters: parameters(f)},
		Server: server,
		Async:  vapi.Ptr(f.GetBool("async")),
	}
	var messages []map[string]any
	if f.UnmarshalJSONField("messages", &messages) == nil && len(messages) > 0 {
		dto.Extra = map[string]any{"messages": messages}
	}
	return dto
}

// parameters is the schema of a function's arguments in the part of JSON schema
// Vapi takes at the top.
func parameters(f *core.Record) map[string]any {
	var schema struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	// A schema that cannot be read was refused when it was saved; an empty one
	// means no arguments.
	_ = f.UnmarshalJSONField("parameters", &schema)
	if len(schema.Properties) == 0 || string(schema.Properties) == "null" {
		schema.Properties = json.RawMessage("{}")
	}
	out := map[string]any{"type": "object", "properties": schema.Properties}
	if len(schema.Required) > 0 {
		out["required"] = schema.Required
	}
	return out
}
