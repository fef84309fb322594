package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// PhoneNumbers is /phone-number.
// https://docs.vapi.ai/api-reference/phone-numbers
type PhoneNumbers struct{ c *Client }

// PhoneNumberDTO is one number of any provider: vapi, twilio, vonage, telnyx or
// byo-phone-number. With neither AssistantID nor SquadID Vapi asks our server
// who answers.
//
// NB! Importing a Twilio number also takes over its messages unless SMSEnabled
// is false.
type PhoneNumberDTO struct {
	Provider string `json:"provider,omitempty"`
	// Name is cut to 40 characters when sent.
	Name string `json:"name,omitempty"`
	// AssistantID and SquadID: Null takes the number off its assistant.
	AssistantID         Nullable[string]       `json:"assistantId,omitzero"`
	SquadID             Nullable[string]       `json:"squadId,omitzero"`
	Server              Nullable[*Server]      `json:"server,omitzero"`
	FallbackDestination Nullable[*Destination] `json:"fallbackDestination,omitzero"`
	Number              string                 `json:"number,omitempty"`
	// NumberDesiredAreaCode is three digits, for provider vapi in the US.
	NumberDesiredAreaCode  string         `json:"numberDesiredAreaCode,omitempty"`
	SIPURI                 string         `json:"sipUri,omitempty"`
	TwilioAccountSID       string         `json:"twilioAccountSid,omitempty"`
	TwilioAuthToken        string         `json:"twilioAuthToken,omitempty"`
	TwilioAPIKey           string         `json:"twilioApiKey,omitempty"`
	TwilioAPISecret        string         `json:"twilioApiSecret,omitempty"`
	SMSEnabled             *bool          `json:"smsEnabled,omitempty"`
	CredentialID           string         `json:"credentialId,omitempty"`
	NumberE164CheckEnabled *bool          `json:"numberE164CheckEnabled,omitempty"`
	Hooks                  []any          `json:"hooks,omitempty"`
	Extra                  map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (p PhoneNumberDTO) MarshalJSON() ([]byte, error) {
	type plain PhoneNumberDTO
	q := plain(p)
	q.Name = Name(p.Name)
	return withExtra(q, p.Extra)
}

// PhoneNumber is a number as Vapi has it. Status is active, activating or
// blocked. Raw can hold carrier credentials and is not to be stored.
type PhoneNumber struct {
	ID          string `json:"id"`
	OrgID       string `json:"orgId"`
	Provider    string `json:"provider"`
	Number      string `json:"number"`
	SIPURI      string `json:"sipUri"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	AssistantID string `json:"assistantId"`
	SquadID     string `json:"squadId"`
	CreatedAt   Time   `json:"createdAt"`
	UpdatedAt   Time   `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (p *PhoneNumber) UnmarshalJSON(b []byte) (err error) {
	type plain PhoneNumber
	p.Raw, err = keepRaw(b, (*plain)(p))
	return err
}

func (p *PhoneNumber) stamp() (string, time.Time) { return p.ID, p.CreatedAt.Time }

// List gives one page, newest first.
func (s *PhoneNumbers) List(ctx context.Context, o *ListOptions) ([]PhoneNumber, error) {
	return list[PhoneNumber](ctx, s.c, "/phone-number", o.query())
}

// ListPage gives one numbered page; Filter may hold "search".
// https://docs.vapi.ai/api-reference/phone-numbers/phone-number-controller-find-all-paginated
func (s *PhoneNumbers) ListPage(ctx context.Context, o *PageOptions) (*Page[PhoneNumber], error) {
	return page[PhoneNumber](ctx, s.c, "/v2/phone-number", o)
}

// All walks all numbers, page by page.
func (s *PhoneNumbers) All(ctx context.Context, o *ListOptions) iter.Seq2[*PhoneNumber, error] {
	return all[PhoneNumber](ctx, s.c, "/phone-number", o, nil)
}

// Create buys a Vapi number or imports one of a carrier.
func (s *PhoneNumbers) Create(ctx context.Context, p *PhoneNumberDTO) (*PhoneNumber, error) {
	return create[PhoneNumber](ctx, s.c, "/phone-number", p)
}

// Get reads one number.
func (s *PhoneNumbers) Get(ctx context.Context, id string) (*PhoneNumber, error) {
	return get[PhoneNumber](ctx, s.c, "/phone-number", id)
}

// Update replaces the fields that are present.
func (s *PhoneNumbers) Update(ctx context.Context, id string, p *PhoneNumberDTO) (*PhoneNumber, error) {
	return update[PhoneNumber](ctx, s.c, "/phone-number", id, p)
}

// Delete releases a Vapi number; an imported one stays with its carrier. One
// that is gone already counts as removed.
func (s *PhoneNumbers) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/phone-number", id)
}
