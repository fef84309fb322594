package placing

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers/vapi"
)

// A call that the provider has becomes its row's, whoever tells of it first.

// A row that was given up goes on: what really happened wins.
var adopting = `placing = '', placement = json_object('body', json_extract(placement, '$.body')),
	status = 'queued', outcome = '', ended_at = '', ended_reason = '',
	resolution_status = CASE resolution_status WHEN 'failed' THEN 'pending' ELSE resolution_status END, updated = ?
	WHERE id = ? AND organization = ? AND ` + collections.AtNoProvider("") + ` AND placing != ''`

// take gives a row the call it placed; taken is false when the row is not being
// placed, or not there.
func take(
	tx *inbox.Tx, id, organization string, source fold.Source, now time.Time,
) (c fold.Call, taken bool, err error) {
	set := "UPDATE calls SET " + table.IDColumn(source.Provider) + " = ?, "
	result, err := tx.Exec(set+adopting, source.ID, rows.Stamp(now), id, organization)
	if err != nil {
		return c, false, fmt.Errorf("adopt a call: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return c, false, err
	}
	return store.Load(tx, source)
}

// adopt gives the row the provider's call. Whichever comes first, this or the
// call's first message, there is one row.
func (pl *Placer) adopt(ctx context.Context, c carried, placed *vapi.Call) (id string, err error) {
	box, err := inbox.Of(pl.app)
	if err != nil {
		return c.Id, err
	}
	organization := c.GetString("organization")
	now, home := pl.Now(), tenant.HomeOf(pl.app, organization)
	// It began when somebody pressed: the provider's clock is not ours.
	t := outgoing(c.GetString("caller_number"), c.GetString("recipient_number"), c.Name, c.pressed, now)
	t.Call, t.ControlURL, t.ListenURL = vapifacts.Source(placed.ID), placed.Monitor.ControlURL, placed.Monitor.ListenURL
	if status := vapifacts.Status(placed.Status); status != "" && !placed.StartedAt.IsZero() {
		t.At = fold.At(placed.StartedAt.Time)
		t.Facts = []fold.Fact{fold.Started{Status: status, At: t.At}}
	}
	// The phone rings already: the row learns it although the program is stopping.
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		before, found, err := store.Load(tx, t.Call)
		if err == nil && !found {
			if before, found, err = take(tx, c.Id, organization, t.Call, now); found {
				err = pl.Known(tx, organization, t.Call)
			}
		} else if err == nil && before.ID != c.Id {
			err = give(tx, c, before.ID)
		}
		if err != nil || !found {
			return nil, err
		}
		id = before.ID
		after, ch := fold.Apply(before, t, home)
		after.Assistant = cmp.Or(after.Assistant, c.GetString("assistant"))
		after.PhoneNumber = cmp.Or(after.PhoneNumber, c.GetString("phone_number"))
		if err := pl.KeepControl(&after, t); err != nil {
			return nil, err
		}
		if _, err := pl.Store.Save(tx, before, &after, true, ch, now); err != nil {
			return nil, err
		}
		store.Forget(tx, t.Call)
		return func() {
			queued := before
			queued.Status = ""
			pl.Store.Tell(queued, after, true, ch)
		}, nil
	})
	if err != nil || id == "" {
		return c.Id, err
	}
	if id != c.Id {
		err = pl.drop(c.Id)
	}
	if err == nil && placed.Status == "ended" {
		return id, pl.Mend(ctx, placed)
	}
	return id, err
}

var (
	updateGiving = `UPDATE calls SET placing_key = '' WHERE id = ? AND ` + collections.AtNoProvider("") + ` AND placing != ''`
	updateGiven  = `UPDATE calls SET created_by = ?, placing_key = coalesce(nullif(?, ''), placing_key), placement = ?
		WHERE id = ?`
)

// give makes a call's row that its messages began the row of the press, when they
// did not say whose they are. The press's own row is dropped afterwards; should
// the program die before, the press finds the same call again.
func give(tx *inbox.Tx, c carried, id string) error {
	how, err := store.Encode(placement{Body: c.Body})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(updateGiving, c.Id); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	if _, err := tx.Exec(updateGiven, c.GetString("created_by"), c.GetString("placing_key"), how, id); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	return nil
}

// drop deletes the row of a press whose call has another, as anybody deletes one:
// whoever shows it is told.
func (pl *Placer) drop(id string) error {
	record, err := database.Found(pl.app.FindRecordById(collections.Calls, id))
	if err != nil || record == nil {
		return err
	}
	if err := pl.app.Delete(record); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	return nil
}

var (
	selectMarked = `SELECT id FROM calls WHERE id = ? AND organization = ? AND ` + collections.AtNoProvider("") + `
		AND json_extract(placement, '$.mark') = ?`
	selectAlike = `SELECT id FROM calls INDEXED BY idx_calls_organization_status_started_at
		WHERE organization = ? AND status = 'queued' AND started_at > ? AND placing = '` + collections.PlacingUnclear + `'
		AND assistant = ? AND phone_number = ? AND recipient_number = ? LIMIT 2`
)

// Adopted finds the row of a press that a message of an unknown call is about: by
// the call's name or, when the message says none, by who calls whom.
func (pl *Placer) Adopted(tx *inbox.Tx, t *fold.Told, p Owner, now time.Time) (c fold.Call, found bool, err error) {
	if t.Direction != collections.Outbound {
		return c, false, nil
	}
	var id string
	switch name := t.Mark; {
	case strings.HasPrefix(name, markPrefix):
		row := name[strings.LastIndexByte(name, ':')+1:]
		err = rows.IgnoreMissing(tx.Get(selectMarked, []any{row, p.Organization, name}, &id))
	case name == "" && p.Assistant != "" && p.Phone != "":
		id, err = alike(tx, t, p, now)
	}
	if err != nil || id == "" {
		return c, false, err
	}
	return take(tx, id, p.Organization, t.Call, now)
}

// alike is the only press that may have placed a call without a name.
func alike(tx *inbox.Tx, t *fold.Told, p Owner, now time.Time) (id string, err error) {
	customer := phone.Read(t.Theirs, p.Home).Text
	found, err := tx.Query(selectAlike, p.Organization, rows.Stamp(now.Add(-lookLimit)), p.Assistant, p.Phone, customer)
	if err != nil {
		return "", err
	}
	defer found.Close()
	for n := 0; found.Next(); n++ {
		if n == 1 {
			return "", found.Err() // two: nobody can tell which
		}
		if err := found.Scan(&id); err != nil {
			return "", err
		}
	}
	return id, found.Err()
}
