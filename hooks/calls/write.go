package calls

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// The statements of the hot path. They fire no hooks: what follows from a call
// is run by settle, and dashboards are told after the commit.
const (
	selectCall = `SELECT id, organization, vapi_call_id, status, outcome, call_type, channel, caller_number, recipient_number,
		caller_number_raw, recipient_number_raw, contact, assistant,
		phone_number, started_at, answered_at, ended_at, reported_at, duration_seconds, cost_micros, ended_reason, summary,
		resolution_status, sentiment, priority, success_evaluation, has_recording, control_url, listen_url
		FROM calls WHERE vapi_call_id = ? AND vapi_call_id != ''`

	insertCall = `INSERT INTO calls (id, organization, vapi_call_id, status, outcome, call_type, channel, caller_number, recipient_number,
		caller_number_raw, recipient_number_raw, contact, assistant, phone_number, started_at, answered_at, ended_at, reported_at,
		duration_seconds, cost_micros, ended_reason,
		summary, resolution_status, sentiment, priority, success_evaluation, has_recording, control_url, listen_url,
		transferred_to, notes, is_test, created_by, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', FALSE, '', ?, ?)`

	// Patching an empty object first leaves out the nulls patching later would.
	upsertEvent = `INSERT INTO call_events (id, organization, call, type, name, position, key, data, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, json_patch('{}', ?), ?, ?)
		ON CONFLICT (call, key) DO UPDATE SET position = min(position, excluded.position),
			name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END, data = json_patch(data, excluded.data), updated = excluded.updated
		WHERE position > excluded.position OR data != json_patch(data, excluded.data)`
	// The last transfer on the timeline says where the call went.
	updateTransfer = `UPDATE calls SET transferred_to = coalesce((SELECT json_extract(data, '$.to') FROM call_events
		WHERE call = calls.id AND type = 'transfer' ORDER BY position DESC LIMIT 1), '') WHERE id = ?`

	selectContact = `SELECT id FROM contacts WHERE organization = ? AND phone_number = ?`
	insertContact = `INSERT INTO contacts (id, organization, phone_number, phone_number_raw, name, email, notes, first_seen_at, last_seen_at, created, updated)
		VALUES (?, ?, ?, ?, ?, '', '', ?, ?, ?, ?)`
	seeContact = `UPDATE contacts SET first_seen_at = min(first_seen_at, ?), last_seen_at = max(last_seen_at, ?),
		name = CASE WHEN name = '' THEN ? ELSE name END, updated = ? WHERE id = ?`
	nameContact = `UPDATE contacts SET name = ?, updated = ? WHERE id = ? AND name = ''`

	insertRecording = `INSERT INTO recordings (id, organization, call, kind, status, file, mime_type, size_bytes, duration_ms, attempts, next_at, error, created, updated)
		VALUES (?, ?, ?, 'stereo', 'pending', '', '', 0, 0, 0, ?, '', ?, ?) ON CONFLICT DO NOTHING`
)

// selectRow finds a row by its own id.
var selectRow = strings.Replace(selectCall, "vapi_call_id = ? AND vapi_call_id != ''", "id = ?", 1)

// load reads the row of a provider's call; found is false when there is none.
func load(tx *inbox.Tx, vapiID string) (c call, found bool, err error) {
	if c, found, err = read(tx, selectCall, vapiID); !found {
		c.VapiID = vapiID
	}
	return c, found, err
}

// loadRow reads a row by its own id.
func loadRow(tx *inbox.Tx, id string) (c call, found bool, err error) { return read(tx, selectRow, id) }

func read(tx *inbox.Tx, query, key string) (c call, found bool, err error) {
	var started, answered, ended, reported string
	err = tx.Get(query, []any{key}, &c.ID, &c.Organization, &c.VapiID, &c.Status, &c.Outcome, &c.Direction, &c.Channel, &c.Caller, &c.Recipient,
		&c.CallerRaw, &c.RecipientRaw, &c.Contact, &c.Assistant, &c.PhoneNumber, &started, &answered, &ended, &reported, &c.DurationSeconds, &c.CostMicros, &c.EndedReason,
		&c.Summary, &c.Resolution, &c.Sentiment, &c.Priority, &c.Success, &c.HasRecording, &c.ControlURL, &c.ListenURL)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("load call: %w", err)
	}
	for _, p := range []struct {
		text string
		into *instant
	}{{started, &c.StartedAt}, {answered, &c.AnsweredAt}, {ended, &c.EndedAt}, {reported, &c.ReportedAt}} {
		if *p.into, err = parseInstant(p.text); err != nil {
			return c, false, err
		}
	}
	return c, true, nil
}

func parseInstant(text string) (instant, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(inbox.DateLayout, text)
	return at(t), err
}

func (i instant) date() string { return inbox.Date(i.Time()) }

// save writes the row and everything a message added to it.
func (e *engine) save(tx *inbox.Tx, before call, after *call, found bool, ch changes, now time.Time) error {
	if customer := after.customer(); after.Contact == "" && customer != "" && !phone.IsHidden(customer) {
		if err := meet(tx, after, ch.customerName, now); err != nil {
			return err
		}
	} else if ch.report != nil && ch.customerName != "" {
		// Not every message says who called; the report does if any does.
		if _, err := tx.Exec(nameContact, ch.customerName, inbox.Date(now), after.Contact); err != nil {
			return fmt.Errorf("contact: %w", err)
		}
	}
	stamp := inbox.Date(now)
	switch {
	case !found:
		_, err := tx.Exec(insertCall, after.ID, after.Organization, after.VapiID, after.Status, after.Outcome, after.Direction, after.Channel,
			after.Caller, after.Recipient, after.CallerRaw, after.RecipientRaw, after.Contact, after.Assistant, after.PhoneNumber, after.StartedAt.date(), after.AnsweredAt.date(),
			after.EndedAt.date(), after.ReportedAt.date(), after.DurationSeconds, after.CostMicros, after.EndedReason, after.Summary,
			after.Resolution, after.Sentiment, after.Priority, after.Success, after.HasRecording, after.ControlURL, after.ListenURL, stamp, stamp)
		if err != nil {
			return fmt.Errorf("insert call: %w", err)
		}
	case before != *after:
		query, args := updateCall(before, *after)
		if _, err := tx.Exec(query, append(args, stamp, after.ID)...); err != nil {
			return fmt.Errorf("update call: %w", err)
		}
	}
	if err := saveLines(tx, *after, ch, now); err != nil {
		return err
	}
	if err := saveEvents(tx, *after, ch.events, now); err != nil {
		return err
	}
	if ch.report != nil {
		if err := saveReport(tx, *after, ch.report, now); err != nil {
			return err
		}
	}
	if after.HasRecording && !before.HasRecording {
		if err := e.saveRecording(tx, *after, now); err != nil {
			return err
		}
	}
	return e.settle(tx, before, *after, found)
}

// updateCall writes the columns that changed: an index whose column is named is
// written again even when the value is the same, and most messages change one
// column. Few sets of columns occur, so the statements stay prepared. The last
// arguments, updated and id, are the caller's.
func updateCall(before, after call) (query string, args []any) {
	var set strings.Builder
	set.WriteString("UPDATE calls SET ")
	text := func(column, old, new string) {
		if old != new {
			set.WriteString(column + " = ?, ")
			args = append(args, new)
		}
	}
	date := func(column string, old, new instant) {
		if old != new {
			set.WriteString(column + " = ?, ")
			args = append(args, new.date())
		}
	}
	number := func(column string, old, new int64) {
		if old != new {
			set.WriteString(column + " = ?, ")
			args = append(args, new)
		}
	}
	text("status", before.Status, after.Status)
	text("outcome", before.Outcome, after.Outcome)
	text("call_type", before.Direction, after.Direction)
	text("channel", before.Channel, after.Channel)
	text("caller_number", before.Caller, after.Caller)
	text("recipient_number", before.Recipient, after.Recipient)
	text("caller_number_raw", before.CallerRaw, after.CallerRaw)
	text("recipient_number_raw", before.RecipientRaw, after.RecipientRaw)
	text("contact", before.Contact, after.Contact)
	text("assistant", before.Assistant, after.Assistant)
	text("phone_number", before.PhoneNumber, after.PhoneNumber)
	date("started_at", before.StartedAt, after.StartedAt)
	date("answered_at", before.AnsweredAt, after.AnsweredAt)
	date("ended_at", before.EndedAt, after.EndedAt)
	date("reported_at", before.ReportedAt, after.ReportedAt)
	number("duration_seconds", before.DurationSeconds, after.DurationSeconds)
	number("cost_micros", before.CostMicros, after.CostMicros)
	text("ended_reason", before.EndedReason, after.EndedReason)
	text("summary", before.Summary, after.Summary)
	text("resolution_status", before.Resolution, after.Resolution)
	text("sentiment", before.Sentiment, after.Sentiment)
	text("priority", before.Priority, after.Priority)
	text("success_evaluation", before.Success, after.Success)
	if before.HasRecording != after.HasRecording {
		set.WriteString("has_recording = ?, ")
		args = append(args, after.HasRecording)
	}
	text("control_url", before.ControlURL, after.ControlURL)
	text("listen_url", before.ListenURL, after.ListenURL)
	set.WriteString("updated = ? WHERE id = ?")
	return set.String(), args
}

// meet finds or makes the contact of the call's other end.
func meet(tx *inbox.Tx, c *call, name string, now time.Time) error {
	stamp, seen := inbox.Date(now), c.StartedAt.date()
	err := tx.Get(selectContact, []any{c.Organization, c.customer()}, &c.Contact)
	switch {
	case err == nil:
		_, err = tx.Exec(seeContact, seen, seen, name, stamp, c.Contact)
	case errors.Is(err, sql.ErrNoRows):
		c.Contact = collections.NewID(now)
		_, err = tx.Exec(insertContact, c.Contact, c.Organization, c.customer(), c.customerRaw(), name, seen, seen, stamp, stamp)
	}
	if err != nil {
		return fmt.Errorf("contact: %w", err)
	}
	return nil
}

func saveEvents(tx *inbox.Tx, c call, events []event, now time.Time) error {
	stamp := inbox.Date(now)
	transferred := false
	for _, ev := range events {
		data, err := encode(ev.Data)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(upsertEvent, collections.NewID(now), c.Organization, c.ID, ev.Type, ev.Name, int64(ev.Position), ev.Key, data, stamp, stamp); err != nil {
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

// saveRecording owes the copy of a recording: a row people see as pending and a
// promise the outbox keeps.
func (e *engine) saveRecording(tx *inbox.Tx, c call, now time.Time) error {
	stamp := inbox.Date(now)
	id := collections.NewID(now)
	result, err := tx.Exec(insertRecording, id, c.Organization, c.ID, stamp, stamp, stamp)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return e.Outbox.Add(tx, outbox.Row{Organization: c.Organization, Kind: fetchKind, Key: fetchKind + ":" + id, Payload: map[string]string{"recording": id}})
}

// settle runs what follows from a call in other domains (usage, and later
// billing and webhooks): their reactions see the row before and after. Only
// changes of the state, or the report's arrival, can be followed.
func (e *engine) settle(tx *inbox.Tx, before, after call, found bool) error {
	when, followed := e.followed(before, after, found)
	if !followed {
		return nil
	}
	collection, err := e.app.FindCachedCollectionByNameOrId(collections.Calls)
	if err != nil {
		return err
	}
	var previous *core.Record
	if found {
		previous = before.record(collection)
	}
	return atomic.Run(e.app, tx, collections.Calls, when, previous, after.record(collection))
}

// followed tells whether something follows from a change of a call.
func (e *engine) followed(before, after call, found bool) (when atomic.When, is bool) {
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
	return when, len(changed) > 0 && atomic.Any(e.app, collections.Calls, when, changed...)
}

// record is the row as other domains know it.
func (c call) record(collection *core.Collection) *core.Record {
	r := core.NewRecord(collection)
	r.Id = c.ID
	for name, value := range map[string]any{
		"organization": c.Organization, "vapi_call_id": c.VapiID, "status": c.Status, "outcome": c.Outcome, "call_type": c.Direction,
		"channel": c.Channel, "caller_number": c.Caller, "recipient_number": c.Recipient, "caller_number_raw": c.CallerRaw,
		"recipient_number_raw": c.RecipientRaw, "contact": c.Contact, "assistant": c.Assistant,
		"phone_number": c.PhoneNumber, "started_at": c.StartedAt.dateTime(), "answered_at": c.AnsweredAt.dateTime(), "ended_at": c.EndedAt.dateTime(),
		"reported_at": c.ReportedAt.dateTime(), "duration_seconds": c.DurationSeconds, "cost_micros": c.CostMicros, "ended_reason": c.EndedReason,
		"summary": c.Summary, "resolution_status": c.Resolution, "sentiment": c.Sentiment, "priority": c.Priority,
		"success_evaluation": c.Success, "has_recording": c.HasRecording,
	} {
		// The values are the fields' own kinds: setting them needs no reading.
		r.SetRaw(name, value)
	}
	r.MarkAsNotNew()
	return r
}

func encode(v any) (string, error) {
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
