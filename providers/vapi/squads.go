package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Squads is /squad: several assistants that hand a call to each other.
// https://docs.vapi.ai/api-reference/squads
type Squads struct{ c *Client }

// SquadDTO is what a squad is made of. The first member answers. There is no
// way to add one member: an update sends the whole list.
type SquadDTO struct {
	// Name has no limit for squads.
	Name             string              `json:"name,omitempty"`
	Members          []SquadMember       `json:"members,omitempty"`
	MembersOverrides *AssistantOverrides `json:"membersOverrides,omitempty"`
	Extra            map[string]any      `json:"-"`
}

// MarshalJSON adds Extra to the known fields.
func (s SquadDTO) MarshalJSON() ([]byte, error) {
	type plain SquadDTO
	return withExtra(plain(s), s.Extra)
}

// SquadMember is a saved or an inline assistant with what it may hand over to.
type SquadMember struct {
	AssistantID           string              `json:"assistantId,omitempty"`
	Assistant             *AssistantDTO       `json:"assistant,omitempty"`
	AssistantOverrides    *AssistantOverrides `json:"assistantOverrides,omitempty"`
	AssistantDestinations []Destination       `json:"assistantDestinations,omitempty"`
}

// Squad is a squad as Vapi has it.
type Squad struct {
	ID        string        `json:"id"`
	OrgID     string        `json:"orgId"`
	Name      string        `json:"name"`
	Members   []SquadMember `json:"members"`
	CreatedAt Time          `json:"createdAt"`
	UpdatedAt Time          `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (s *Squad) UnmarshalJSON(b []byte) (err error) {
	type plain Squad
	s.Raw, err = keepRaw(b, (*plain)(s))
	return err
}

func (s *Squad) stamp() (string, time.Time) { return s.ID, s.CreatedAt.Time }

// List gives one page, newest first.
func (s *Squads) List(ctx context.Context, o *ListOptions) ([]Squad, error) {
	return list[Squad](ctx, s.c, "/squad", o.query())
}

// All walks all squads, page by page.
func (s *Squads) All(ctx context.Context, o *ListOptions) iter.Seq2[*Squad, error] {
	return all[Squad](ctx, s.c, "/squad", o, nil)
}

// Create makes a squad.
func (s *Squads) Create(ctx context.Context, q *SquadDTO) (*Squad, error) {
	return create[Squad](ctx, s.c, "/squad", q)
}

// Get reads one squad.
func (s *Squads) Get(ctx context.Context, id string) (*Squad, error) {
	return get[Squad](ctx, s.c, "/squad", id)
}

// Update replaces the fields that are present.
func (s *Squads) Update(ctx context.Context, id string, q *SquadDTO) (*Squad, error) {
	return update[Squad](ctx, s.c, "/squad", id, q)
}

// Delete removes a squad; one that is gone already counts as removed.
func (s *Squads) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/squad", id)
}
