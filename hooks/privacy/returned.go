package privacy

import (
	"context"
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// againKind is the promise to erase a call that came back: imported from the provider
// after its caller was erased.
const againKind = "privacy.erase_again"

type againPayload struct {
	Call string `json:"call"`
}

// afterReturn looks whether a call is an old one of an erased caller: one that was
// written down again, or that ran when its caller was not known yet. The
// provider's messages about others are not taken in (hooks/calls). It runs in the
// transaction of the call.
func (d *domain) afterReturn(tx atomic.Tx, _, call *core.Record) error {
	organization, started := call.GetString("organization"), call.GetDateTime("started_at")
	if started.IsZero() {
		return nil
	}
	erased, err := d.Forgotten.Erased(tx, organization, theirs(call, ""), started.Time())
	if err != nil || !erased {
		return err
	}
	return d.Outbox.Add(tx, outbox.Row{Organization: organization, Kind: againKind, Key: againKind + ":" + call.Id,
		Payload: againPayload{call.Id}})
}

// eraseAgain keeps that promise.
func (d *domain) eraseAgain(ctx context.Context, row outbox.Row) error {
	var p againPayload
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	call, err := database.Found(d.app.FindRecordById(collections.Calls, p.Call))
	if err != nil || call == nil {
		return err // gone already
	}
	s := callerRows{organization: call.GetString("organization"), calls: []*core.Record{call}}
	if s.until, err = d.erasedAt(s.organization, theirs(call, "")); err != nil {
		return err
	}
	s.number = phone.Read(theirs(call, ""), tenant.HomeOf(d.app, s.organization))
	s.spellings = distinct([]string{s.number.Text, theirs(call, ""), theirs(call, "_raw")})
	// The contact came back with it; one who has called since stays.
	contact, err := database.Found(d.app.FindRecordById(collections.Contacts, call.GetString("contact")))
	if err != nil {
		return err
	}
	if contact != nil {
		others, err := rows.Count(atomic.Reads(d.app), "SELECT count(*) FROM calls WHERE contact = ? AND id != ?",
			contact.Id, call.Id)
		if err != nil {
			return err
		}
		if others == 0 {
			s.contacts = []*core.Record{contact}
		}
	}
	err = d.eraseRows(ctx, d.app, s, counts{}, func(core.App, counts) error { return nil })
	if err != nil {
		return err
	}
	if err := database.DropLog(ctx, d.app); err != nil {
		d.app.Logger().Warn("the database's log still holds what was erased; it is written over as changes come",
			"error", err)
	}
	return nil
}

// erasedAt is when a caller was last erased.
func (d *domain) erasedAt(organization, number string) (at types.DateTime, err error) {
	var stored string
	err = atomic.One(atomic.Reads(d.app), `SELECT coalesce(max(created), '') FROM privacy_requests
		WHERE organization = ? AND subject_hash = ? AND kind = 'erase'`,
		[]any{organization, d.Forgotten.Hash(organization, number)}, &stored)
	if err != nil {
		return at, fmt.Errorf("when a caller was erased: %w", err)
	}
	return types.ParseDateTime(stored)
}
