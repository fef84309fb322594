package vapi

import (
	"encoding/json"
	"strings"
)

// Model is the language model of an assistant, whatever its provider. Fields of
// one provider only go into Extra.
// NB! A PATCH of an assistant replaces the whole model: send the prompt and the
// tools along with whatever changed.
// https://docs.vapi.ai/api-reference/assistants/create
type Model struct {
	Provider string `json:"provider,omitempty"`
	Model    string `json:"model,omitempty"`
	// Messages[0] is the system prompt.
	Messages []ChatMessage `json:"messages,omitempty"`
	// Temperature is 0 to 2.
	Temperature *float64 `json:"temperature,omitempty"`
	// MaxTokens is 50 to 10000, default 250.
	MaxTokens int       `json:"maxTokens,omitempty"`
	Tools     []ToolDTO `json:"tools,omitempty"`
	// ToolIDs empty but not nil clears the list.
	ToolIDs       []string       `json:"toolIds,omitzero"`
	KnowledgeBase *KnowledgeBy   `json:"knowledgeBase,omitempty"`
	URL           string         `json:"url,omitempty"` // custom-llm only
	Extra         map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (m Model) MarshalJSON() ([]byte, error) {
	type plain Model
	return withExtra(plain(m), m.Extra)
}

// KnowledgeBy makes Vapi ask a server of ours before each model turn; Provider
// is custom-knowledge-base.
type KnowledgeBy struct {
	Provider string  `json:"provider"`
	Server   *Server `json:"server,omitempty"`
}

// ChatMessage is one turn in the form language models take.
type ChatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// UnmarshalJSON reads content as text, null, or a list of text parts.
func (m *ChatMessage) UnmarshalJSON(b []byte) error {
	var raw struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		Message string          `json:"message"`
	}
	if err := lenient(json.Unmarshal(b, &raw)); err != nil {
		return err
	}
	m.Role, m.Content = raw.Role, raw.Message
	var text string
	var parts []struct {
		Text string `json:"text"`
	}
	switch {
	case len(raw.Content) == 0 || string(raw.Content) == "null":
	case json.Unmarshal(raw.Content, &text) == nil:
		m.Content = text
	case json.Unmarshal(raw.Content, &parts) == nil:
		var lines []string
		for _, p := range parts {
			lines = append(lines, p.Text)
		}
		m.Content = strings.Join(lines, "\n")
	}
	return nil
}

// Voice is how an assistant sounds. Fields of one provider only (stability,
// similarityBoost, …) go into Extra.
type Voice struct {
	Provider string         `json:"provider,omitempty"`
	VoiceID  string         `json:"voiceId,omitempty"`
	Model    string         `json:"model,omitempty"`
	Speed    *float64       `json:"speed,omitempty"`
	Extra    map[string]any `json:"-"`
}

// MarshalJSON adds Extra and writes the provider as Vapi calls it. Which speeds
// a provider takes is the caller's to know.
func (v Voice) MarshalJSON() ([]byte, error) {
	type plain Voice
	p := plain(v)
	p.Provider = VoiceProvider(v.Provider)
	return withExtra(p, v.Extra)
}

// VoiceProvider translates the names people use into Vapi's.
func VoiceProvider(name string) string {
	switch strings.ToLower(name) {
	case "elevenlabs", "eleven-labs":
		return "11labs"
	case "rime":
		return "rime-ai"
	}
	return name
}

// Transcriber turns speech into text.
type Transcriber struct {
	Provider string         `json:"provider,omitempty"`
	Model    string         `json:"model,omitempty"`
	Language string         `json:"language,omitempty"`
	Extra    map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (t Transcriber) MarshalJSON() ([]byte, error) {
	type plain Transcriber
	return withExtra(plain(t), t.Extra)
}

// Destination is where a call goes: Type is number, sip, assistant, squad or
// dynamic.
type Destination struct {
	Type string `json:"type,omitempty"`
	// Number is E.164.
	Number                 string         `json:"number,omitempty"`
	Extension              string         `json:"extension,omitempty"`
	CallerID               string         `json:"callerId,omitempty"`
	SIPURI                 string         `json:"sipUri,omitempty"`
	AssistantID            string         `json:"assistantId,omitempty"`
	AssistantName          string         `json:"assistantName,omitempty"`
	SquadID                string         `json:"squadId,omitempty"`
	Message                string         `json:"message,omitempty"`
	Description            string         `json:"description,omitempty"`
	NumberE164CheckEnabled *bool          `json:"numberE164CheckEnabled,omitempty"`
	TransferPlan           *TransferPlan  `json:"transferPlan,omitempty"`
	ContextEngineeringPlan *ContextPlan   `json:"contextEngineeringPlan,omitempty"`
	VariableExtractionPlan any            `json:"variableExtractionPlan,omitempty"`
	Server                 *Server        `json:"server,omitempty"`
	Extra                  map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (d Destination) MarshalJSON() ([]byte, error) {
	type plain Destination
	return withExtra(plain(d), d.Extra)
}

// TransferPlan says how a call is passed on; Mode defaults to blind-transfer.
type TransferPlan struct {
	Mode    string         `json:"mode,omitempty"`
	Message string         `json:"message,omitempty"`
	Extra   map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (t TransferPlan) MarshalJSON() ([]byte, error) {
	type plain TransferPlan
	return withExtra(plain(t), t.Extra)
}

// ContextPlan says what of the conversation the next assistant sees: all,
// lastNMessages, none, userAndAssistantMessages or previousAssistantMessages.
type ContextPlan struct {
	Type        string `json:"type"`
	MaxMessages int    `json:"maxMessages,omitempty"`
}
