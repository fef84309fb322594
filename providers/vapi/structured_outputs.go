package vapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// StructuredOutputs is /structured-output: facts drawn from a finished call by
// a schema.
// https://docs.vapi.ai/assistants/structured-outputs
type StructuredOutputs struct{ c *Client }

// StructuredOutputDTO describes one. Link it to an assistant with
// ArtifactPlan.StructuredOutputIDs.
type StructuredOutputDTO struct {
	// Name is cut to 40 characters when sent.
	Name string `json:"name,omitempty"`
	// Type is ai or regex.
	Type         string         `json:"type,omitempty"`
	Description  string         `json:"description,omitempty"`
	Schema       any            `json:"schema,omitempty"`
	Regex        string         `json:"regex,omitempty"`
	Model        *Model         `json:"model,omitempty"`
	AssistantIDs []string       `json:"assistantIds,omitzero"`
	Extra        map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (d StructuredOutputDTO) MarshalJSON() ([]byte, error) {
	type plain StructuredOutputDTO
	p := plain(d)
	p.Name = Name(d.Name)
	return withExtra(p, d.Extra)
}

// StructuredOutput is one as Vapi has it.
type StructuredOutput struct {
	ID          string          `json:"id"`
	OrgID       string          `json:"orgId"`
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	CreatedAt   Time            `json:"createdAt"`
	UpdatedAt   Time            `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (d *StructuredOutput) UnmarshalJSON(b []byte) (err error) {
	type plain StructuredOutput
	d.Raw, err = keepRaw(b, (*plain)(d))
	return err
}

// StructuredOutputRun asks for the output of calls that are over; with
// PreviewEnabled the calls are left as they are.
type StructuredOutputRun struct {
	CallIDs            []string             `json:"callIds"`
	StructuredOutputID string               `json:"structuredOutputId,omitempty"`
	StructuredOutput   *StructuredOutputDTO `json:"structuredOutput,omitempty"`
	PreviewEnabled     bool                 `json:"previewEnabled,omitempty"`
}

// List gives one numbered page.
func (s *StructuredOutputs) List(ctx context.Context, o *PageOptions) (*Page[StructuredOutput], error) {
	return page[StructuredOutput](ctx, s.c, "/structured-output", o)
}

// Create makes one.
func (s *StructuredOutputs) Create(ctx context.Context, d *StructuredOutputDTO) (*StructuredOutput, error) {
	return create[StructuredOutput](ctx, s.c, "/structured-output", d)
}

// Get reads one.
func (s *StructuredOutputs) Get(ctx context.Context, id string) (*StructuredOutput, error) {
	return get[StructuredOutput](ctx, s.c, "/structured-output", id)
}

// Update replaces the fields that are present. The document requires the query
// parameter schemaOverride and does not explain it: what is sent is meant.
func (s *StructuredOutputs) Update(ctx context.Context, id string, d *StructuredOutputDTO) (*StructuredOutput, error) {
	path, err := item("/structured-output", id)
	if err != nil {
		return nil, err
	}
	return send[StructuredOutput](ctx, s.c, httpjson.Request{
		Method: http.MethodPatch, Path: path, Query: url.Values{"schemaOverride": {"true"}}, Body: d,
	})
}

// Delete removes one; one that is gone already counts as removed.
func (s *StructuredOutputs) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/structured-output", id)
}

// Run draws the output from finished calls and gives Vapi's answer as it is.
func (s *StructuredOutputs) Run(ctx context.Context, r *StructuredOutputRun) (*json.RawMessage, error) {
	return send[json.RawMessage](ctx, s.c, httpjson.Request{Method: http.MethodPost, Path: "/structured-output/run",
		Body: r, Timeout: httpjson.LongTimeout})
}
