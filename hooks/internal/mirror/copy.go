package mirror

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/outbox"
)

// Copy says how the rows of one collection are kept at a provider: what a copy shall
// be, and the requests that make, change, list and remove one. When which of them is
// made is the mirror's business.
type Copy struct {
	Provider
	Collection string
	// IDField holds the provider's id of the copy.
	IDField string
	// Fields are the columns whose change needs another look at the copy.
	Fields []string
	// Skip, when set, names records that have no copy.
	Skip func(record *core.Record) bool

	// Desired is what the copy shall be: anything that encodes to a JSON object, with
	// the mark in it. It is asked before every request, and once per server process by
	// the job mirror.retry, so that a changed public address or secret reaches every
	// copy.
	Desired func(record *core.Record, mark Mark) (any, error)
	// Clear are top-level keys that are sent as null when they were sent before and are
	// not wanted any more. Once are keys that belong to the making alone.
	Clear, Once []string
	// Create makes the copy and returns its id; keys are all of Desired. What it sets on
	// the record is stored with the result.
	Create func(ctx context.Context, record *core.Record, keys map[string]any) (providerID string, err error)
	// Update changes the copy; it is not called when there is nothing to change. What it
	// sets on the record is stored with the result.
	Update func(ctx context.Context, record *core.Record, change Change) error
	// Delete removes the copy.
	Delete func(ctx context.Context, providerID string) error
	// List gives every object of this kind in the account. When since is set, those made
	// before may be left out.
	List func(ctx context.Context, since time.Time) iter.Seq2[Object, error]

	// Find, when set, looks for the copy of a record that cannot bear a mark of ours, and
	// returns "" when there is none. Without it List is looked through for the mark.
	Find func(ctx context.Context, record *core.Record) (providerID string, err error)
	// Shared copies are one for all installations on the account, so the first one is
	// looked for as well.
	Shared bool
	// Link, when set, is asked about a record that was never sent and names a copy: it may
	// be of somebody else's making. It reads such a one into the record and returns the
	// only keys that are changed over there; nil for a copy of ours.
	Link func(ctx context.Context, record *core.Record) (only []string, err error)
	// Keep keeps the sweep from removing second copies: people may ring them.
	Keep bool
}

// Change is what a copy lacks of what it shall be.
type Change struct {
	// ID is the copy's.
	ID string
	// Keys are the top-level keys to send, null for those that go.
	Keys map[string]any
	// First tells that nothing was sent to this copy before: it was found, or named.
	First bool
}

// Object is a copy as the provider lists it.
type Object struct {
	ID, Name string
	Created  time.Time
	// Mark is ours, empty without one.
	Mark Mark
	// Price says in a word what it costs there (the dashboard has the sentence); "" for
	// nothing.
	Price string
}

// Mark is what we write into a copy to know it again.
type Mark struct{ Record, Organization, Installation string }

// Provider is what all copies at one provider have in common.
type Provider struct {
	// Called is how sentences name it where a row says what became of its copy: "the
	// phone provider". The French catalogue has it among its words.
	Called string
	// Judge says what an error of a request means; without it every error is tried again,
	// and may have had its effect.
	Judge func(err error) Judgement
	// For, when set, says for which organization the requests made with a context are.
	For func(ctx context.Context, organization string) context.Context
}

// Verdict is what a provider's error means for the next try.
type Verdict int

// Verdicts.
const (
	// Retry: the same may work later.
	Retry Verdict = iota
	// Refused: the provider read it and said no; it will say so again.
	Refused
	// Missing: the provider does not know the copy.
	Missing
)

// Judgement is what an error means.
type Judgement struct {
	Verdict
	// After is the wait the provider asked for, 0 for none.
	After time.Duration
	// Undone tells that the request certainly had no effect: it was never sent, or turned
	// away. A create that failed otherwise is looked for before it is made again.
	Undone bool
}

// JudgeStatus says what an HTTP answer means for the next try. A wrong key, a
// missing payment and a conflict are mended elsewhere, so they are tried again;
// what the provider read and refused is not. status is 0 without an answer;
// unclear means that the request may have been carried out all the same.
func JudgeStatus(status int, unclear bool, after time.Duration) Judgement {
	j := Judgement{Undone: !unclear && status != http.StatusRequestTimeout}
	switch status {
	case http.StatusNotFound:
		j.Verdict = Missing
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		if !unclear {
			j.Verdict = Refused
		}
	}
	if j.Verdict == Retry {
		j.After = after
	}
	return j
}

type ours struct{ error }

func (o ours) Unwrap() error { return o.error }

// Refuse makes a refusal of an error of our own, in words for whoever has the row: it
// is not tried again until something changes.
func Refuse(err error) error { return ours{err} }

// ClockSkew is how far a provider's clock may be behind ours when a lost copy
// is looked for by its time of creation.
const ClockSkew = time.Hour

func (c *Copy) complete() bool {
	return c.Collection != "" && c.IDField != "" && c.Desired != nil && c.List != nil &&
		c.Create != nil && c.Update != nil && c.Delete != nil
}

// push makes the copy equal to the record: creates it when there is none, else sends
// what changed, and returns its id. sync_hash then tells what was sent.
func (c *Copy) push(ctx context.Context, record *core.Record, mark Mark) (id string, err error) {
	if c.For != nil {
		ctx = c.For(ctx, record.GetString("organization"))
	}
	id = record.GetString(c.IDField)
	first := record.GetString(hashField) == ""
	var only []string
	if id != "" && first && c.Link != nil && record.GetDateTime(syncedField).IsZero() {
		if only, err = c.Link(ctx, record); err != nil {
			return "", err
		}
	}
	keys, hash, err := c.diff(record, mark)
	if err != nil {
		return "", err
	}
	if id == "" {
		id, err = c.Create(ctx, record, keys)
	} else {
		maps.DeleteFunc(keys, func(key string, _ any) bool {
			return slices.Contains(c.Once, key) || only != nil && !slices.Contains(only, key)
		})
		if len(keys) > 0 {
			err = c.Update(ctx, record, Change{ID: id, Keys: keys, First: first})
		}
	}
	if err != nil {
		return "", err
	}
	record.Set(hashField, hash)
	return id, nil
}

// diff compares the copy of a record with what was sent last.
func (c *Copy) diff(record *core.Record, mark Mark) (keys map[string]any, hash string, err error) {
	desired, err := c.Desired(record, mark)
	if err != nil {
		return nil, "", err
	}
	return Diff(record, desired, c.Clear...)
}

// find looks for the copy of a record, also of one that is deleted by now.
func (c *Copy) find(ctx context.Context, record *core.Record) (string, error) {
	if c.Find != nil {
		return c.Find(ctx, record)
	}
	var since time.Time
	if created := record.GetDateTime("created"); !created.IsZero() {
		since = created.Time().Add(-ClockSkew)
	}
	for o, err := range c.List(ctx, since) {
		if err != nil {
			return "", err
		}
		if o.Mark.Record == record.Id {
			return o.ID, nil
		}
	}
	return "", nil
}

func (c *Copy) skip(record *core.Record) bool { return c.Skip != nil && c.Skip(record) }

func (c *Copy) undone(err error) bool {
	j := c.judge(err)
	return j.Verdict == Refused || j.Undone
}

func (c *Copy) judge(err error) Judgement {
	var no ours
	switch {
	case errors.As(err, &no):
		return Judgement{Verdict: Refused}
	case c.Judge == nil:
		return Judgement{}
	}
	return c.Judge(err)
}

// next is what the outbox shall do after a failure.
func (c *Copy) next(failure error) error {
	if late, ok := failure.(*awaited); ok {
		return outbox.In(late.wait, failure)
	}
	if _, held := failure.(*heldBack); held {
		return outbox.In(heldWait, failure)
	}
	j := c.judge(failure)
	if j.Verdict == Refused {
		return outbox.Dead(failure)
	}
	return outbox.After(j.After, failure)
}

// mark is what the copy of a record bears.
func (m *Mirror) mark(record *core.Record) (Mark, error) {
	id, err := m.Installation.ID()
	if err != nil {
		return Mark{}, fmt.Errorf("mark of a copy: %w", err)
	}
	return Mark{Record: record.Id, Organization: record.GetString("organization"), Installation: id}, nil
}
