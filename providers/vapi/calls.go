package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// Calls is /call.
// https://docs.vapi.ai/api-reference/calls
type Calls struct{ c *Client }

// CallDTO places a call: who speaks (one of AssistantID, Assistant, SquadID,
// Squad), from which number, to whom. Calls have no metadata at Vapi: keep the
// id that Create returns.
type CallDTO struct {
	// Name is cut to 40 characters when sent.
	Name               string              `json:"name,omitempty"`
	AssistantID        string              `json:"assistantId,omitempty"`
	Assistant          *AssistantDTO       `json:"assistant,omitempty"`
	AssistantOverrides *AssistantOverrides `json:"assistantOverrides,omitempty"`
	SquadID            string              `json:"squadId,omitempty"`
	Squad              *SquadDTO           `json:"squad,omitempty"`
	SquadOverrides     *AssistantOverrides `json:"squadOverrides,omitempty"`
	PhoneNumberID      string              `json:"phoneNumberId,omitempty"`
	Customer           *Customer           `json:"customer,omitempty"`
	SchedulePlan       *SchedulePlan       `json:"schedulePlan,omitempty"`
	Extra              map[string]any      `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (c CallDTO) MarshalJSON() ([]byte, error) {
	type plain CallDTO
	p := plain(c)
	p.Name = Name(c.Name)
	return withExtra(p, c.Extra)
}

// Customer is the other end of a call.
type Customer struct {
	// Number is E.164, 3 to 40 characters.
	Number string `json:"number,omitempty"`
	SIPURI string `json:"sipUri,omitempty"`
	// Name is cut to 40 characters when sent.
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// ExternalID is cut to 40 characters when sent.
	ExternalID             string `json:"externalId,omitempty"`
	Extension              string `json:"extension,omitempty"`
	NumberE164CheckEnabled *bool  `json:"numberE164CheckEnabled,omitempty"`
}

// MarshalJSON cuts the names.
func (c Customer) MarshalJSON() ([]byte, error) {
	type plain Customer
	p := plain(c)
	p.Name, p.ExternalID = Name(c.Name), Name(c.ExternalID)
	return json.Marshal(p)
}

// SchedulePlan places the call later.
type SchedulePlan struct {
	EarliestAt time.Time `json:"earliestAt"`
	LatestAt   time.Time `json:"latestAt,omitzero"`
}

// Call is a call as Vapi has it. There is no duration: it is EndedAt minus
// StartedAt. Raw holds the control URL and a carrier token and is not to be
// stored.
type Call struct {
	ID             string     `json:"id"`
	OrgID          string     `json:"orgId"`
	Type           string     `json:"type"`
	Name           string     `json:"name"`
	Status         string     `json:"status"`
	EndedReason    string     `json:"endedReason"`
	EndedMessage   string     `json:"endedMessage"`
	AssistantID    string     `json:"assistantId"`
	SquadID        string     `json:"squadId"`
	PhoneNumberID  string     `json:"phoneNumberId"`
	CampaignID     string     `json:"campaignId"`
	Customer       Customer   `json:"customer"`
	Transport      Transport  `json:"transport"`
	Monitor        Monitor    `json:"monitor"`
	Cost           float64    `json:"cost"`
	CreatedAt      Time       `json:"createdAt"`
	UpdatedAt      Time       `json:"updatedAt"`
	StartedAt      Time       `json:"startedAt"`
	EndedAt        Time       `json:"endedAt"`
	ProviderCallID string     `json:"phoneCallProviderId"`
	Limits         CallLimits `json:"subscriptionLimits"`

	Raw json.RawMessage `json:"-"`
}

// CallLimits tell how many calls the account can hold at once; only in the
// answer to Create.
type CallLimits struct {
	ConcurrencyBlocked       bool `json:"concurrencyBlocked"`
	ConcurrencyLimit         int  `json:"concurrencyLimit"`
	RemainingConcurrentCalls int  `json:"remainingConcurrentCalls"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (c *Call) UnmarshalJSON(b []byte) (err error) {
	type plain Call
	c.Raw, err = keepRaw(b, (*plain)(c))
	return err
}

func (c *Call) stamp() (string, time.Time) { return c.ID, c.CreatedAt.Time }

// Report turns a call that has ended into the message its report would have
// been, for calls whose report never came. Its Timestamp is the call's end.
func (c *Call) Report() (*Message, error) {
	return reportFromCall(c.Raw)
}

// CallListOptions narrow a list of calls. Vapi knows no filter by status or
// customer.
type CallListOptions struct {
	ListOptions
	AssistantID   string
	PhoneNumberID string
}

func (o *CallListOptions) more() url.Values {
	q := url.Values{}
	if o == nil {
		return q
	}
	if o.AssistantID != "" {
		q.Set("assistantId", o.AssistantID)
	}
	if o.PhoneNumberID != "" {
		q.Set("phoneNumberId", o.PhoneNumberID)
	}
	return q
}

func (o *CallListOptions) base() *ListOptions {
	if o == nil {
		return nil
	}
	return &o.ListOptions
}

// List gives one page, newest first.
func (s *Calls) List(ctx context.Context, o *CallListOptions) ([]Call, error) {
	q := o.base().query()
	for k, v := range o.more() {
		q[k] = v
	}
	return list[Call](ctx, s.c, "/call", q)
}

// All walks all calls that match, newest first, page by page.
func (s *Calls) All(ctx context.Context, o *CallListOptions) iter.Seq2[*Call, error] {
	return all[Call](ctx, s.c, "/call", o.base(), o.more())
}

// ListSince walks the calls created after t, newest first. The iteration ends
// at the first error.
// Example:
//
//	for call, err := range client.Calls.ListSince(ctx, watermark) { … }
func (s *Calls) ListSince(ctx context.Context, t time.Time) iter.Seq2[*Call, error] {
	return s.All(ctx, &CallListOptions{ListOptions: ListOptions{CreatedAtGt: t}})
}

// Create places a call. It is sent once: only a refusal by rate limit, or a
// connection that never came about, is tried again. When the error is Unclear,
// look with List by assistant, number and time before calling again.
func (s *Calls) Create(ctx context.Context, call *CallDTO) (*Call, error) {
	return create[Call](ctx, s.c, "/call", call)
}

// Get reads one call.
func (s *Calls) Get(ctx context.Context, id string) (*Call, error) {
	return get[Call](ctx, s.c, "/call", id)
}

// Update renames a call; nothing else about it can change.
func (s *Calls) Update(ctx context.Context, id, name string) (*Call, error) {
	return update[Call](ctx, s.c, "/call", id, map[string]string{"name": Name(name)})
}

// Delete erases what Vapi keeps of a call, recordings included.
// NB! It does not hang up; see End.
func (s *Calls) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/call", id)
}

// CreateWeb starts a call in a browser and answers with what the browser SDK
// needs to join it.
// https://docs.vapi.ai/api-reference/calls/create
func (s *Calls) CreateWeb(ctx context.Context, call *CallDTO) (*Call, error) {
	return send[Call](ctx, s.c, httpjson.Request{Method: http.MethodPost, Path: "/call/web", Body: call})
}
