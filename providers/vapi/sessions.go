package vapi

import (
	"context"
	"encoding/json"
)

// Sessions is /session: the memory that chats of one conversation share.
// https://docs.vapi.ai/api-reference/sessions
type Sessions struct{ c *Client }

// SessionDTO is a session, which belongs to one assistant or squad. An update
// takes Name, Status, ExpirationSeconds and Messages.
type SessionDTO struct {
	// Name is cut to 40 characters when sent.
	Name string `json:"name,omitempty"`
	// Status is active or completed.
	Status      string        `json:"status,omitempty"`
	AssistantID string        `json:"assistantId,omitempty"`
	Assistant   *AssistantDTO `json:"assistant,omitempty"`
	SquadID     string        `json:"squadId,omitempty"`
	Squad       *SquadDTO     `json:"squad,omitempty"`
	// ExpirationSeconds is 60 to 2592000, default 86400.
	ExpirationSeconds int            `json:"expirationSeconds,omitempty"`
	Customer          *Customer      `json:"customer,omitempty"`
	PhoneNumberID     string         `json:"phoneNumberId,omitempty"`
	Messages          []ChatMessage  `json:"messages,omitempty"`
	Extra             map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (d SessionDTO) MarshalJSON() ([]byte, error) {
	type plain SessionDTO
	p := plain(d)
	p.Name = Name(d.Name)
	return withExtra(p, d.Extra)
}

// Session is a session as Vapi has it.
type Session struct {
	ID                string        `json:"id"`
	OrgID             string        `json:"orgId"`
	Name              string        `json:"name"`
	Status            string        `json:"status"`
	AssistantID       string        `json:"assistantId"`
	SquadID           string        `json:"squadId"`
	PhoneNumberID     string        `json:"phoneNumberId"`
	ExpirationSeconds int           `json:"expirationSeconds"`
	Customer          Customer      `json:"customer"`
	Messages          []ChatMessage `json:"messages"`
	Cost              float64       `json:"cost"`
	CreatedAt         Time          `json:"createdAt"`
	UpdatedAt         Time          `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (d *Session) UnmarshalJSON(b []byte) (err error) {
	type plain Session
	d.Raw, err = keepRaw(b, (*plain)(d))
	return err
}

// List gives one numbered page.
func (s *Sessions) List(ctx context.Context, o *PageOptions) (*Page[Session], error) {
	return page[Session](ctx, s.c, "/session", o)
}

// Create makes a session.
func (s *Sessions) Create(ctx context.Context, d *SessionDTO) (*Session, error) {
	return create[Session](ctx, s.c, "/session", d)
}

// Get reads one session.
func (s *Sessions) Get(ctx context.Context, id string) (*Session, error) {
	return get[Session](ctx, s.c, "/session", id)
}

// Update changes a session; status completed closes it.
func (s *Sessions) Update(ctx context.Context, id string, d *SessionDTO) (*Session, error) {
	return update[Session](ctx, s.c, "/session", id, d)
}

// Delete removes a session; one that is gone already counts as removed.
func (s *Sessions) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/session", id)
}
