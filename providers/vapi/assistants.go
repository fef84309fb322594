package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Assistants is /assistant.
// https://docs.vapi.ai/api-reference/assistants
type Assistants struct{ c *Client }

// AssistantDTO is what an assistant is made of: for Create, for Update (absent
// fields stay as they are) and inline in calls and replies. Settings not listed
// here go into Extra.
type AssistantDTO struct {
	// Name is cut to 40 characters when sent.
	Name string `json:"name,omitempty"`
	// FirstMessage is text or the URL of a sound; Null clears it.
	FirstMessage Nullable[string] `json:"firstMessage,omitzero"`
	// FirstMessageMode is assistant-speaks-first (default),
	// assistant-speaks-first-with-model-generated-message or
	// assistant-waits-for-user.
	FirstMessageMode string       `json:"firstMessageMode,omitempty"`
	Model            *Model       `json:"model,omitempty"`
	Voice            *Voice       `json:"voice,omitempty"`
	Transcriber      *Transcriber `json:"transcriber,omitempty"`
	// MaxDurationSeconds is 10 to 43200, default 600.
	MaxDurationSeconds int `json:"maxDurationSeconds,omitempty"`
	// SilenceTimeoutSeconds is 5 to 3600.
	SilenceTimeoutSeconds int              `json:"silenceTimeoutSeconds,omitempty"`
	EndCallMessage        Nullable[string] `json:"endCallMessage,omitzero"`
	VoicemailMessage      Nullable[string] `json:"voicemailMessage,omitzero"`
	EndCallPhrases        []string         `json:"endCallPhrases,omitzero"`
	// VoicemailDetection is "off" or an object with a provider.
	VoicemailDetection any `json:"voicemailDetection,omitempty"`
	// BackgroundSound is off, office or a URL.
	BackgroundSound string           `json:"backgroundSound,omitempty"`
	ServerMessages  []string         `json:"serverMessages,omitempty"`
	Server          *Server          `json:"server,omitempty"`
	ArtifactPlan    *ArtifactPlan    `json:"artifactPlan,omitempty"`
	AnalysisPlan    map[string]any   `json:"analysisPlan,omitempty"`
	MonitorPlan     *MonitorPlan     `json:"monitorPlan,omitempty"`
	CompliancePlan  map[string]any   `json:"compliancePlan,omitempty"`
	Hooks           []map[string]any `json:"hooks,omitempty"`
	CredentialIDs   []string         `json:"credentialIds,omitempty"`
	// Metadata carries our record id, so an assistant made by a request whose
	// answer was lost can be found again.
	Metadata map[string]any `json:"metadata,omitempty"`
	Extra    map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (a AssistantDTO) MarshalJSON() ([]byte, error) {
	type plain AssistantDTO
	p := plain(a)
	p.Name = Name(a.Name)
	return withExtra(p, a.Extra)
}

// ArtifactPlan says what Vapi keeps of a call.
type ArtifactPlan struct {
	// RecordingEnabled is true by default.
	RecordingEnabled    *bool          `json:"recordingEnabled,omitempty"`
	RecordingFormat     string         `json:"recordingFormat,omitempty"`
	StructuredOutputIDs []string       `json:"structuredOutputIds,omitzero"`
	Extra               map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (p ArtifactPlan) MarshalJSON() ([]byte, error) {
	type plain ArtifactPlan
	return withExtra(plain(p), p.Extra)
}

// MonitorPlan turns listening and control on or off; both are on by default.
type MonitorPlan struct {
	ListenEnabled  *bool          `json:"listenEnabled,omitempty"`
	ControlEnabled *bool          `json:"controlEnabled,omitempty"`
	Extra          map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (p MonitorPlan) MarshalJSON() ([]byte, error) {
	type plain MonitorPlan
	return withExtra(plain(p), p.Extra)
}

// AssistantOverrides change an assistant for one call, squad member or squad.
// In chats only VariableValues counts.
type AssistantOverrides struct {
	// VariableValues replace {{name}} in prompts and messages.
	VariableValues map[string]any `json:"variableValues,omitempty"`
	// ToolsAppend adds tools to those of the assistant.
	ToolsAppend []ToolDTO      `json:"tools:append,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
	AssistantDTO
}

// MarshalJSON merges the override fields with those of the assistant.
func (o AssistantOverrides) MarshalJSON() ([]byte, error) {
	dto := o.AssistantDTO
	extra := map[string]any{}
	for k, v := range dto.Extra {
		extra[k] = v
	}
	dto.Extra = extra
	if len(o.VariableValues) > 0 {
		extra["variableValues"] = o.VariableValues
	}
	if len(o.ToolsAppend) > 0 {
		extra["tools:append"] = o.ToolsAppend
	}
	if len(o.Metadata) > 0 {
		dto.Metadata = o.Metadata
	}
	return json.Marshal(dto)
}

// Assistant is an assistant as Vapi has it. Raw is the whole answer; it holds
// the shared secret of the server object, so it is not to be stored.
type Assistant struct {
	ID               string         `json:"id"`
	OrgID            string         `json:"orgId"`
	Name             string         `json:"name"`
	FirstMessage     string         `json:"firstMessage"`
	FirstMessageMode string         `json:"firstMessageMode"`
	Model            *Model         `json:"model"`
	Voice            *Voice         `json:"voice"`
	Transcriber      *Transcriber   `json:"transcriber"`
	ServerMessages   []string       `json:"serverMessages"`
	Server           *Server        `json:"server"`
	Metadata         map[string]any `json:"metadata"`
	CreatedAt        Time           `json:"createdAt"`
	UpdatedAt        Time           `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (a *Assistant) UnmarshalJSON(b []byte) (err error) {
	type plain Assistant
	a.Raw, err = keepRaw(b, (*plain)(a))
	return err
}

func (a *Assistant) stamp() (string, time.Time) { return a.ID, a.CreatedAt.Time }

// List gives one page, newest first.
func (s *Assistants) List(ctx context.Context, o *ListOptions) ([]Assistant, error) {
	return list[Assistant](ctx, s.c, "/assistant", o.query())
}

// All walks all assistants, page by page.
func (s *Assistants) All(ctx context.Context, o *ListOptions) iter.Seq2[*Assistant, error] {
	return all[Assistant](ctx, s.c, "/assistant", o, nil)
}

// Create makes an assistant.
func (s *Assistants) Create(ctx context.Context, a *AssistantDTO) (*Assistant, error) {
	return create[Assistant](ctx, s.c, "/assistant", a)
}

// Get reads one assistant.
func (s *Assistants) Get(ctx context.Context, id string) (*Assistant, error) {
	return get[Assistant](ctx, s.c, "/assistant", id)
}

// Update replaces the top-level fields that are present.
func (s *Assistants) Update(ctx context.Context, id string, a *AssistantDTO) (*Assistant, error) {
	return update[Assistant](ctx, s.c, "/assistant", id, a)
}

// Delete removes an assistant; one that is gone already counts as removed.
func (s *Assistants) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/assistant", id)
}
