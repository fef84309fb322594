package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Tools is /tool: what an assistant can do besides talking.
// https://docs.vapi.ai/api-reference/tools
type Tools struct{ c *Client }

// ToolDTO is one tool of any kind; Type decides which fields count: function,
// apiRequest, transferCall, handoff, query, endCall, dtmf, sms, mcp and more.
// Update need not repeat the type.
type ToolDTO struct {
	Type string `json:"type,omitempty"`
	// Name is cut to 40 characters; apiRequest only. A function has its name
	// in Function.
	Name         string        `json:"name,omitempty"`
	Description  string        `json:"description,omitempty"`
	Function     *ToolFunction `json:"function,omitempty"`
	Server       *Server       `json:"server,omitempty"`
	Async        *bool         `json:"async,omitempty"`
	Messages     []ToolMessage `json:"messages,omitzero"`
	Destinations []Destination `json:"destinations,omitzero"`
	// Parameters are constants merged into the request, unseen by the model.
	Parameters     []ToolParameter  `json:"parameters,omitempty"`
	KnowledgeBases []QueryKnowledge `json:"knowledgeBases,omitempty"`
	// Method, URL, Headers, Body and TimeoutSeconds belong to apiRequest.
	Method         string         `json:"method,omitempty"`
	URL            string         `json:"url,omitempty"`
	Headers        any            `json:"headers,omitempty"`
	Body           any            `json:"body,omitempty"`
	TimeoutSeconds int            `json:"timeoutSeconds,omitempty"`
	CredentialID   string         `json:"credentialId,omitempty"`
	Extra          map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (t ToolDTO) MarshalJSON() ([]byte, error) {
	type plain ToolDTO
	p := plain(t)
	p.Name = Name(t.Name)
	return withExtra(p, t.Extra)
}

// ToolFunction is what the model sees. Name is up to 64 letters, digits, dashes
// and underscores; Parameters is a JSON schema of type object.
type ToolFunction struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Parameters  any    `json:"parameters,omitempty"`
	Strict      *bool  `json:"strict,omitempty"`
}

// ToolMessage is said around a tool call: request-start, request-complete,
// request-failed or request-response-delayed.
type ToolMessage struct {
	Type    string `json:"type"`
	Content string `json:"content,omitempty"`
	// TimingMilliseconds is 100 to 120000.
	TimingMilliseconds int            `json:"timingMilliseconds,omitempty"`
	Extra              map[string]any `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (m ToolMessage) MarshalJSON() ([]byte, error) {
	type plain ToolMessage
	return withExtra(plain(m), m.Extra)
}

// ToolParameter is a constant of a tool.
type ToolParameter struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// QueryKnowledge is one base of a query tool; Provider is google.
type QueryKnowledge struct {
	Provider    string   `json:"provider"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	FileIDs     []string `json:"fileIds"`
	Model       string   `json:"model,omitempty"`
}

// Tool is a tool as Vapi has it. Raw holds the shared secret of its server
// object, so it is not to be stored.
type Tool struct {
	ID        string        `json:"id"`
	OrgID     string        `json:"orgId"`
	Type      string        `json:"type"`
	Name      string        `json:"name"`
	Function  *ToolFunction `json:"function"`
	Server    *Server       `json:"server"`
	CreatedAt Time          `json:"createdAt"`
	UpdatedAt Time          `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (t *Tool) UnmarshalJSON(b []byte) (err error) {
	type plain Tool
	t.Raw, err = keepRaw(b, (*plain)(t))
	return err
}

func (t *Tool) stamp() (string, time.Time) { return t.ID, t.CreatedAt.Time }

// List gives one page, newest first.
func (s *Tools) List(ctx context.Context, o *ListOptions) ([]Tool, error) {
	return list[Tool](ctx, s.c, "/tool", o.query())
}

// All walks all tools, page by page.
func (s *Tools) All(ctx context.Context, o *ListOptions) iter.Seq2[*Tool, error] {
	return all[Tool](ctx, s.c, "/tool", o, nil)
}

// Create makes a tool.
func (s *Tools) Create(ctx context.Context, t *ToolDTO) (*Tool, error) {
	return create[Tool](ctx, s.c, "/tool", t)
}

// Get reads one tool.
func (s *Tools) Get(ctx context.Context, id string) (*Tool, error) {
	return get[Tool](ctx, s.c, "/tool", id)
}

// Update replaces the fields that are present.
func (s *Tools) Update(ctx context.Context, id string, t *ToolDTO) (*Tool, error) {
	return update[Tool](ctx, s.c, "/tool", id, t)
}

// Delete removes a tool; one that is gone already counts as removed.
func (s *Tools) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/tool", id)
}
