// Package store is what is written of calls: the row and everything a message adds to
// it, in the writer's transaction, and who is told once it is committed.
package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// The statements of the hot path. They fire no hooks: what follows from a call
// is run by settle, and dashboards are told after the commit.
const (
	// The last transfer on the timeline says where the call went.
	updateTransfer = `UPDATE calls SET transferred_to = coalesce((SELECT json_extract(data, '$.to') FROM call_events
		WHERE call = calls.id AND type = 'transfer' ORDER BY position DESC LIMIT 1), '') WHERE id = ?`

	// SelectContact finds the contact of an organization by its number, or the one that
	// has it as a second one.
	SelectContact = `SELECT iif(merged_into = '', id, merged_into) FROM contacts WHERE organization = ? AND phone_number = ?`
	seeContact    = `UPDATE contacts SET first_seen_at = min(first_seen_at, ?), last_seen_at = max(last_seen_at, ?),
		updated = ? WHERE id = ?`
	// A statement that sets the name drags the index of names along,.
	nameContact = `UPDATE contacts SET name = ?, updated = ? WHERE id = ? AND name = ''`
)

// Store writes calls and tells of them.
type Store struct {
	app       core.App
	hub       *live.Hub
	owe       Owe
	publisher *publisher
}

// Owe owes the copy of a recording, in the transaction that learns that there is one.
type Owe func(tx *inbox.Tx, c fold.Call, now time.Time) error

// New makes the store of an app.
func New(app core.App, hub *live.Hub, recording Owe) *Store {
	return &Store{app: app, hub: hub, owe: recording, publisher: newPublisher(app, hub)}
}

// Load reads the row of a source's call; found is false when there is none.
func Load(tx *inbox.Tx, source fold.Source) (c fold.Call, found bool, err error) {
	if c, found, err = read(tx, table.SelectCall(source.Provider), source.ID); !found {
		c.Source = source
	}
	return c, found, err
}

// LoadRow reads a row by its own id.
func LoadRow(tx *inbox.Tx, id string) (c fold.Call, found bool, err error) {
	return read(tx, table.SelectRow, id)
}

// Of is what telling and noting need of a call.
func Of(r *core.Record) fold.Call {
	return fold.Call{
		ID: r.Id, Organization: r.GetString("organization"), Status: r.GetString("status"), Summary: r.GetString("summary"),
	}
}

// Stays tells whether a call is still there: what people did with it is written
// down after it was done, and it may have been deleted meanwhile.
func Stays(tx *inbox.Tx, id string) (bool, error) {
	var one int
	err := tx.Get(`SELECT 1 FROM calls WHERE id = ?`, []any{id}, &one)
	return one == 1, rows.IgnoreMissing(err)
}

func read(tx *inbox.Tx, query, key string) (c fold.Call, found bool, err error) {
	columns := table.Call(&c)
	err = tx.Get(query, []any{key}, table.Places(columns[:])...)
	if errors.Is(err, sql.ErrNoRows) {
		return fold.Call{}, false, nil
	}
	if err != nil {
		return fold.Call{}, false, fmt.Errorf("load call: %w", err)
	}
	return c, true, nil
}

// Save writes the row and everything a message added to it. touched tells that
// what followed wrote something too: the row may be another by then.
func (s *Store) Save(tx *inbox.Tx, before fold.Call, after *fold.Call, found bool, ch fold.Changes,
	now time.Time) (touched bool, err error) {
	if err := saveContact(tx, after, ch, now); err != nil {
		return false, err
	}
	if err := saveCall(tx, before, after, found, now); err != nil {
		return false, err
	}
	if err := saveLines(tx, *after, ch, now); err != nil {
		return false, err
	}
	if err := SaveEvents(tx, *after, ch.Events, now); err != nil {
		return false, err
	}
	if ch.Report != nil {
		if err := SaveReport(tx, *after, ch.Report, now); err != nil {
			return false, err
		}
	}
	if after.HasRecording && !before.HasRecording {
		if err := s.owe(tx, *after, now); err != nil {
			return false, err
		}
	}
	return s.settle(tx, before, *after, found)
}

// saveContact makes the caller known, or names who was met before.
func saveContact(tx *inbox.Tx, after *fold.Call, ch fold.Changes, now time.Time) error {
	if customer := after.Customer(); after.Contact == "" && customer != "" && !phone.IsHidden(customer) {
		if err := meet(tx, after, ch.CustomerName, now); err != nil {
			return err
		}
	} else if ch.Report != nil && ch.CustomerName != "" {
		// Not every message says who called; the report does if any does.
		if _, err := tx.Exec(nameContact, ch.CustomerName, rows.Stamp(now), after.Contact); err != nil {
			return fmt.Errorf("contact: %w", err)
		}
	}
	return nil
}

func saveCall(tx *inbox.Tx, before fold.Call, after *fold.Call, found bool, now time.Time) error {
	stamp := rows.Stamp(now)
	switch {
	case !found:
		row := table.Call(after)
		_, err := tx.Exec(table.Calls.Insert, table.Values(stamp, row[:])...)
		if err != nil {
			return fmt.Errorf("insert call: %w", err)
		}
	case before != *after:
		was, is := table.Call(&before), table.Call(after)
		query, args := table.Calls.Change(was[:], is[:], stamp, after.ID)
		if _, err := tx.Exec(query, args...); err != nil {
			return fmt.Errorf("update call: %w", err)
		}
	}
	return nil
}

// meet finds or makes the contact of the call's other end.
func meet(tx *inbox.Tx, c *fold.Call, name string, now time.Time) error {
	stamp, seen := rows.Stamp(now), c.StartedAt.Date()
	err := tx.Get(SelectContact, []any{c.Organization, c.Customer()}, &c.Contact)
	switch {
	case err == nil:
		_, err = tx.Exec(seeContact, seen, seen, stamp, c.Contact)
		if err == nil && name != "" {
			_, err = tx.Exec(nameContact, name, stamp, c.Contact)
		}
	case errors.Is(err, sql.ErrNoRows):
		c.Contact = collections.NewID(now)
		met := table.Contact{
			ID: c.Contact, Organization: c.Organization, Number: c.Customer(), Raw: c.CustomerRaw(), Name: name,
			Seen: c.StartedAt,
		}
		_, err = tx.Exec(table.Contacts.Insert, table.Values(stamp, met.Columns())...)
	}
	if err != nil {
		return fmt.Errorf("contact: %w", err)
	}
	return nil
}

// SaveEvents puts entries on a call's timeline; those of a key that is there are merged.
func SaveEvents(tx *inbox.Tx, c fold.Call, events []fold.Event, now time.Time) error {
	stamp := rows.Stamp(now)
	transferred := false
	for _, ev := range events {
		data, err := Encode(ev.Data)
		if err != nil {
			return err
		}
		row := table.Event{ID: collections.NewID(now), Event: ev, Data: data}
		if _, err := tx.Exec(table.Events.Insert, table.Values(stamp, table.Owns(&c), row.Columns())...); err != nil {
			return fmt.Errorf("timeline: %w", err)
		}
		transferred = transferred || ev.Type == collections.EventTransfer
	}
	if !transferred {
		return nil
	}
	_, err := tx.Exec(updateTransfer, c.ID)
	return err
}

// settle runs what follows from a call in other domains (usage, and later
// billing and webhooks): their reactions see the row before and after. Only
// changes of the state, or the report's arrival, can be followed.
// touched tells that they wrote something.
func (s *Store) settle(tx *inbox.Tx, before, after fold.Call, found bool) (touched bool, err error) {
	when, followed := s.followed(before, after, found)
	if !followed {
		return false, nil
	}
	collection, err := s.app.FindCachedCollectionByNameOrId(collections.Calls)
	if err != nil {
		return false, err
	}
	var previous *core.Record
	if found {
		previous = recordOf(before, collection)
	}
	had := tx.Writes()
	err = atomic.Run(s.app, tx, collections.Calls, when, previous, recordOf(after, collection))
	return tx.Writes() != had, err
}

// followed tells whether something follows from a change of a call.
func (s *Store) followed(before, after fold.Call, found bool) (when atomic.When, is bool) {
	var changed []string
	if before.Status != after.Status {
		changed = append(changed, "status")
	}
	if before.EndedReason != after.EndedReason {
		changed = append(changed, "ended_reason")
	}
	if before.ReportedAt != after.ReportedAt {
		changed = append(changed, "reported_at")
	}
	if before.Caller != after.Caller {
		changed = append(changed, "caller_number")
	}
	if before.Recipient != after.Recipient {
		changed = append(changed, "recipient_number")
	}
	when = atomic.Updated
	if !found {
		when = atomic.Created
	}
	return when, len(changed) > 0 && atomic.Any(s.app, collections.Calls, when, changed...)
}

// recordOf is the row as other domains know it.
func recordOf(c fold.Call, collection *core.Collection) *core.Record {
	r := core.NewRecord(collection)
	r.Id = c.ID
	for _, column := range table.Call(&c) {
		if column.Name != "id" {
			r.SetRaw(column.Name, column.Raw())
		}
	}
	r.MarkAsNotNew()
	return r
}

// Encode is a value as a column of JSON holds it; nil is an empty object.
func Encode(v any) (string, error) {
	if v == nil {
		return "{}", nil
	}
	if m, ok := v.(map[string]any); ok && m == nil {
		return "{}", nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(b), nil
}
