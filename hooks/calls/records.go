package calls

import (
	"context"
	"fmt"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// beforeWritten completes a call that a person writes down.
func (e *engine) beforeWritten(re *core.RecordRequestEvent) error {
	fillWritten(re.Record, e.Now())
	return re.Next()
}

// keepFacts refuses to change what was reported about a call.
func keepFacts(re *core.RecordRequestEvent) error {
	if err := factsKept(re.Record); err != nil {
		return refusal.Of("invalid_request/reported").For(err)
	}
	// The direction says which of the two numbers is masked.
	if re.Record.GetString("call_type") != re.Record.Original().GetString("call_type") &&
		tenant.Masked(re.App, re.Auth, re.Record.Original().GetString("organization")) {
		return refusal.Invalid(map[string]string{"call_type": "Only who sees callers' numbers can change the direction of a call"})
	}
	return re.Next()
}

// keepUnclear keeps a call whose phone may ring yet.
func keepUnclear(re *core.RecordRequestEvent) error {
	switch re.Record.GetString("placing") {
	case collections.PlacingWaiting:
		return refusal.Of("call_waiting")
	case collections.PlacingUnclear:
		return refusal.Of("call_unclear")
	}
	return re.Next()
}

// recordReached is reached for a row that is saved as a record. Of a call the
// provider knows, its messages say whether it was answered.
func recordReached(re *core.RecordEvent) error {
	r := re.Record
	status := r.GetString("status")
	c := reach.Call{
		Direction: r.GetString("call_type"), Channel: r.GetString("channel"), Outcome: r.GetString("outcome"),
		Over: status == collections.CallCompleted || status == collections.CallFailed, Test: r.GetBool("is_test"),
		Connected: !r.GetDateTime("answered_at").IsZero() || r.GetInt("duration_seconds") > 0,
		Untaken:   vapifacts.Reasons{}.Untaken(r.GetString("ended_reason")),
		Written:   table.SourceOf(r).ID == "" && r.GetString("placing") == "",
	}
	if c.Written || r.IsNew() {
		r.Set("answered", c.Answered())
	}
	r.Set("missed", c.Missed(r.GetBool("answered")))
	return re.Next()
}

// Words of a deleted row stay in the search index until it is merged, and bytes in
// free pages until they are used again. While a call is deleted both are wiped;
// always would make every other change of a row slower.
func deleteThoroughly(re *core.RecordEvent) error {
	outer := re.App
	defer func() { re.App = outer }()
	return outer.RunInTransaction(func(tx core.App) error {
		re.App = tx
		return database.Wipe(tx, func() error {
			indexes := []string{collections.CallSearch}
			var former int
			if err := tx.DB().NewQuery(lists.HasFormer).Row(&former); err != nil {
				return fmt.Errorf("wipe a call: %w", err)
			}
			if former > 0 {
				indexes = append(indexes, collections.CallSearchBefore)
			}
			if err := wipeWords(tx, indexes, true); err != nil {
				return err
			}
			if err := re.Next(); err != nil {
				return err
			}
			return wipeWords(tx, indexes, false)
		})
	})
}

// wipeWords says whether words that are deleted are wiped. An index writes what
// it gathered at a savepoint, which must come before it is switched off.
func wipeWords(tx core.App, indexes []string, on bool) error {
	statements, value := []string{}, "1"
	if !on {
		statements, value = []string{"SAVEPOINT wiped", "RELEASE wiped"}, "0"
	}
	for _, index := range indexes {
		statements = append(statements, "INSERT INTO "+index+"("+index+", rank) VALUES ('secure-delete', "+value+")")
	}
	for _, statement := range statements {
		if _, err := atomic.Of(tx).Exec(statement); err != nil {
			return fmt.Errorf("wipe a call: %w", err)
		}
	}
	return nil
}

// findSummary keeps what search looks through equal to the row people edit.
func (e *engine) findSummary(tx atomic.Tx, before, after *core.Record) error {
	if before.GetString("reported_at") == "" && after.GetString("reported_at") != "" {
		return nil // the report has just been stored with it
	}
	_, err := tx.Exec(`UPDATE call_reports SET summary = ?, updated = ? WHERE call = ? AND summary != ?`,
		after.GetString("summary"), rows.Stamp(e.Now()), after.Id, after.GetString("summary"))
	return err
}

// fillWritten completes a call a person wrote down: it is over, and without a
// time it was now.
func fillWritten(r *core.Record, now time.Time) {
	for field, value := range map[string]string{
		"status": collections.CallCompleted, "outcome": collections.OutcomeCompleted, "call_type": collections.Inbound,
		"channel":           "phone",
		"resolution_status": collections.ResolutionPending, "priority": "medium",
	} {
		if r.GetString(field) == "" {
			r.Set(field, value)
		}
	}
	duration := time.Duration(r.GetInt("duration_seconds")) * time.Second
	if r.GetDateTime("started_at").IsZero() {
		r.Set("started_at", now.Add(-duration))
	}
	if r.GetDateTime("ended_at").IsZero() {
		r.Set("ended_at", r.GetDateTime("started_at").Add(duration))
	}
}

// factsKept refuses changes of what a provider's message wrote.
func factsKept(r *core.Record) error {
	before := r.Original()
	if table.SourceOf(before).ID == "" && before.GetString("placing") == "" {
		return nil
	}
	problems := validation.Errors{}
	for _, field := range collections.CallFacts {
		if before.GetString(field) != r.GetString(field) {
			problems[field] = validation.NewError("validation_fact",
				"This was reported by the phone provider and cannot be changed.")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// tombstone is the mark that a source's call was deleted.
func tombstone(source fold.Source) inbox.Event {
	return inbox.Event{Provider: source.Provider, Key: source.ID + tombstoned}
}

const tombstoned = ":deleted"

// bury leaves a mark, so that late messages and reconciliation do not bring the
// call back, removes what was kept of its messages, and owes the erasure at the
// provider.
func (e *engine) bury(tx atomic.Tx, before, _ *core.Record) error {
	organization, now := before.GetString("organization"), e.Now()
	if key := before.GetString("placing_key"); key != "" { // the press that placed it places no other
		if err := placing.PressMark(organization, key).Bury(tx, organization, now); err != nil {
			return err
		}
	}
	if source := table.SourceOf(before); source.ID != "" {
		return e.buryCall(tx, organization, source, now)
	}
	return nil
}

func (e *engine) buryCall(tx atomic.Tx, organization string, source fold.Source, now time.Time) error {
	mark := tombstone(source)
	if err := mark.Bury(tx, organization, now); err != nil {
		return err
	}
	if err := inbox.Subject(source).Drop(tx, mark.Key); err != nil {
		return err
	}
	return e.Outbox.Add(tx, vapicopy.Erase(organization, source.ID))
}

// gone tells whether what a message is about was erased: its call was deleted, or
// its caller was erased after the call, or after what was written, began. Of such
// a message the key is all that is kept. Calls we know cost no question, and
// neither does whoever rings after the newest erasure.
func (e *engine) gone(tx *inbox.Tx, t *fold.Told, p place, now time.Time) (bool, error) {
	if t.Call.ID != "" {
		k, err := store.Recall(tx, t.Call)
		if err != nil || k.Found || k.Buried {
			return k != nil && k.Buried, err
		}
		if !k.Asked {
			if k.Buried, err = tombstone(t.Call).There(tx); err != nil {
				return false, err
			}
			k.Asked = true
			k.Keep(tx)
		}
		if k.Buried {
			return true, nil
		}
	}
	for _, said := range []string{t.Theirs, t.Other} {
		if said == "" {
			continue
		}
		was, err := e.Forgotten.Erased(tx, p.organization, phone.Read(said, p.home).Text, began(t, now))
		if err != nil {
			return false, err
		}
		if !was {
			continue
		}
		if t.Call.ID == "" {
			return true, nil
		}
		store.Forget(tx, t.Call)
		return true, e.buryCall(tx, p.organization, t.Call, now)
	}
	return false, nil
}

// began is when what a message tells of began, as far as it says.
func began(t *fold.Told, now time.Time) time.Time {
	switch {
	case t.Call.ID != "" && t.Began != 0:
		return t.Began.Time()
	case t.At != 0:
		return t.At.Time()
	}
	return now
}

func (e *engine) erase(ctx context.Context, row outbox.Row) error {
	var p vapicopy.Erasure
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	if err := e.Vapi.Calls.Delete(ctx, p.Call); err != nil && !vapi.IsNotFound(err) {
		return err
	}
	return nil
}

// findCall finds a call we already have, and whose it is.
func (e *engine) findCall(ctx context.Context, source fold.Source) (call knownCall, err error) {
	if err := e.open(); err != nil {
		return knownCall{}, err
	}
	err = e.reads.QueryRowContext(ctx, `SELECT id, organization FROM calls WHERE `+table.Has("", source.Provider),
		source.ID).Scan(&call.ID, &call.Organization)
	return call, rows.IgnoreMissing(err)
}
