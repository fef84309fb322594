package calls

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/providers/vapi"
)

type erasePayload struct {
	VapiID string `json:"vapi_call_id"`
}

// guardRecords binds what people may do to calls beside the access rules: facts
// of the provider stay, and a deleted call stays deleted.
func (e *engine) guardRecords() {
	e.app.OnRecordCreateRequest(collections.Calls).BindFunc(func(re *core.RecordRequestEvent) error {
		fillWritten(re.Record, time.Now())
		return re.Next()
	})
	e.app.OnRecordUpdateRequest(collections.Calls).BindFunc(func(re *core.RecordRequestEvent) error {
		if err := factsKept(re.Record); err != nil {
			return re.BadRequestError("What the provider reported about a call cannot be changed.", err)
		}
		return re.Next()
	})
	e.app.OnRecordDeleteRequest(collections.Calls).BindFunc(func(re *core.RecordRequestEvent) error {
		switch re.Record.GetString("placing") {
		case collections.PlacingWaiting:
			return re.Error(http.StatusConflict, "This call is about to be placed: cancel it first.", nil)
		case collections.PlacingUnclear:
			return re.Error(http.StatusConflict, "It is not known yet whether this call rings: look again in two minutes.", nil)
		}
		return re.Next()
	})
	e.app.OnRecordDelete(collections.Calls).BindFunc(deleteThoroughly)
	atomic.On(e.app, collections.Calls, atomic.Deleted, "calls: remember that it was deleted, erase the provider's copy", e.bury)
	atomic.On(e.app, collections.Calls, atomic.Updated, "calls: search finds the summary as it is", findSummary, "summary")
	e.Outbox.Handle(outbox.EraseCall, e.erase)
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
			if err := tx.DB().NewQuery(hasFormer).Row(&former); err != nil {
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

// stays tells whether a call is still there: what people did with it is written
// down after it was done, and it may have been deleted meanwhile.
func stays(tx *inbox.Tx, id string) (bool, error) {
	var one int
	err := tx.Get(`SELECT 1 FROM calls WHERE id = ?`, []any{id}, &one)
	return one == 1, ignoreMissing(err)
}

// findSummary keeps what search looks through equal to the row people edit.
func findSummary(tx atomic.Tx, before, after *core.Record) error {
	if before.GetString("reported_at") == "" && after.GetString("reported_at") != "" {
		return nil // the report has just been stored with it
	}
	_, err := tx.Exec(`UPDATE call_reports SET summary = ?, updated = ? WHERE call = ? AND summary != ?`,
		after.GetString("summary"), inbox.Date(time.Now()), after.Id, after.GetString("summary"))
	return err
}

// fillWritten completes a call a person wrote down: it is over, and without a
// time it was now.
func fillWritten(r *core.Record, now time.Time) {
	for field, value := range map[string]string{
		"status": collections.CallCompleted, "outcome": vapi.OutcomeCompleted, "call_type": collections.Inbound, "channel": "phone",
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
	if before.GetString("vapi_call_id") == "" && before.GetString("placing") == "" {
		return nil
	}
	problems := validation.Errors{}
	for _, field := range collections.CallFacts {
		if before.GetString(field) != r.GetString(field) {
			problems[field] = validation.NewError("validation_fact", "This was reported by the phone provider and cannot be changed.")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

const (
	insertTombstone = `INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, answer, error, attempts, next_at, created, updated)
		VALUES (?, ?, 'vapi', ?, '` + collections.EventDeleted + `', '` + collections.EventPacked + `', '', '', '', 0, '', ?, ?) ON CONFLICT DO NOTHING`
	selectTombstone = `SELECT 1 FROM provider_events WHERE provider = 'vapi' AND event_key = ?`
	// A call's messages lie between its id with ":" and with ";", the next sign.
	deleteEvents = `DELETE FROM provider_events WHERE provider = 'vapi' AND event_key > ? AND event_key < ? AND event_key != ?`
)

func tombstone(vapiID string) string { return vapiID + ":deleted" }

// bury leaves a mark, so that late messages and reconciliation do not bring the
// call back, removes what was kept of its messages, and owes the erasure at the
// provider.
func (e *engine) bury(tx atomic.Tx, before, _ *core.Record) error {
	organization, now := before.GetString("organization"), time.Now()
	if key := before.GetString("placing_key"); key != "" { // the press that placed it places no other
		if _, err := tx.Exec(insertTombstone, collections.NewID(now), organization, pressTombstone(organization, key), inbox.Date(now), inbox.Date(now)); err != nil {
			return err
		}
	}
	if id := before.GetString("vapi_call_id"); id != "" {
		return e.buryCall(tx, organization, id, now)
	}
	return nil
}

func (e *engine) buryCall(tx atomic.Tx, organization, id string, now time.Time) error {
	if _, err := tx.Exec(insertTombstone, collections.NewID(now), organization, tombstone(id), inbox.Date(now), inbox.Date(now)); err != nil {
		return err
	}
	if _, err := tx.Exec(deleteEvents, id+":", id+";", tombstone(id)); err != nil {
		return err
	}
	return e.Outbox.Add(tx, outbox.Row{Organization: organization, Kind: outbox.EraseCall, Key: outbox.EraseCall + ":" + id, Payload: erasePayload{id}})
}

func erased(tx *inbox.Tx, vapiID string) (bool, error) {
	var one int
	err := tx.Get(selectTombstone, []any{tombstone(vapiID)}, &one)
	return one == 1, ignoreMissing(err)
}

// gone tells whether what a message is about was erased: its call was deleted, or
// its caller was erased after the call, or after what was written, began. Of such
// a message the key is all that is kept. Calls we know cost no question, and
// neither does whoever rings after the newest erasure.
func (e *engine) gone(tx *inbox.Tx, m *vapi.Message, p place, now time.Time) (bool, error) {
	id := m.CallID()
	if id != "" {
		k, err := recall(tx, id)
		if err != nil || k.found || k.buried {
			return k != nil && k.buried, err
		}
		if !k.asked {
			if k.buried, err = erased(tx, id); err != nil {
				return false, err
			}
			k.asked = true
			tx.Remember(id, k)
		}
		if k.buried {
			return true, nil
		}
	}
	for _, said := range []string{theirNumber(m), otherNumber(m)} {
		if said == "" {
			continue
		}
		was, err := e.Forgotten.Erased(tx, p.organization, phone.Read(said, p.home).Text, began(m, now))
		if err != nil {
			return false, err
		}
		if !was {
			continue
		}
		if id == "" {
			return true, nil
		}
		tx.Forget(id)
		return true, e.buryCall(tx, p.organization, id, now)
	}
	return false, nil
}

// otherNumber is whom a message without a call is about.
func otherNumber(m *vapi.Message) string {
	switch {
	case m.Contact != nil:
		return m.Contact.Number
	case m.Session == nil:
		return ""
	case m.Session.Customer.Number != "":
		return m.Session.Customer.Number
	}
	return m.Session.Customer.SIPURI
}

// began is when what a message tells of began, as far as it says.
func began(m *vapi.Message, now time.Time) time.Time {
	switch {
	case m.Call != nil && !m.Call.CreatedAt.IsZero():
		return m.Call.CreatedAt
	case m.Timestamp != 0:
		return m.At()
	}
	return now
}

func (e *engine) erase(ctx context.Context, row outbox.Row) error {
	var p erasePayload
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	if err := e.Vapi.Calls.Delete(ctx, p.VapiID); err != nil && !vapi.IsNotFound(err) {
		return err
	}
	return nil
}

// ownerOfCall finds the organization of a call we already have.
func (e *engine) ownerOfCall(ctx context.Context, vapiID string) (organization string, err error) {
	if err := e.open(); err != nil {
		return "", err
	}
	err = e.reads.QueryRowContext(ctx, `SELECT organization FROM calls WHERE vapi_call_id = ? AND vapi_call_id != ''`, vapiID).Scan(&organization)
	return organization, ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
