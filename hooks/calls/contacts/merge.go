package contacts

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// follow gives the calls of one contact to another.
	follow = `UPDATE calls SET contact = ?, updated = strftime('%Y-%m-%d %H:%M:%fZ') WHERE contact = ?`
	// giveBack gives those with a number back.
	giveBack = `UPDATE calls SET contact = ?, updated = strftime('%Y-%m-%d %H:%M:%fZ') WHERE contact = ?
		AND iif(call_type = 'outbound', recipient_number, caller_number) = ?`
	// numbersFollow gives one who was merged into somebody merged now to the one who stays.
	numbersFollow = `UPDATE contacts SET merged_into = ? WHERE merged_into = ?`
)

// notesMost is what the column takes.
var notesMost = collections.ByName(collections.Contacts).Fields.GetByName("notes").(*core.TextField).Max

var notOther = map[string]string{"other": "Pick another contact of this organization"}

// pair reads the two contacts of a request in its transaction.
type pair struct {
	t           *tenant.Tenant
	stays, goes *core.Record
}

// both runs a change of two contacts and answers with the one that stays.
func (rt *routes) both(re *core.RequestEvent, do func(tx core.App, p pair) error) error {
	t, err := worker(re)
	if err != nil {
		return err
	}
	body, err := facade.Body(re)
	if err != nil {
		return err
	}
	p := pair{t: t}
	err = re.App.RunInTransaction(func(tx core.App) (err error) {
		p.stays, err = contact(tx, t.ID(), re.Request.PathValue("id"))
		if errors.Is(err, sql.ErrNoRows) {
			return refusal.Of("not_found")
		}
		if err != nil {
			return err
		}
		p.goes, err = contact(tx, t.ID(), facade.TextOf(body, "other"))
		if errors.Is(err, sql.ErrNoRows) || err == nil && p.goes.Id == p.stays.Id {
			return refusal.Invalid(notOther)
		}
		if err != nil {
			return err
		}
		return do(tx, p)
	})
	if err != nil {
		return err
	}
	rt.Hub.Changed(t.ID(), collections.Calls)
	reads, err := database.Reading(rt.app)
	if err != nil {
		return err
	}
	stays, err := scan(reads.QueryRowContext(re.Request.Context(), selectOnes+"p.id = ?", p.stays.Id), t.Masked())
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK, stays)
}

// merge makes a contact a second number of another.
func (rt *routes) merge(re *core.RequestEvent) error {
	return rt.both(re, func(tx core.App, p pair) error {
		if p.stays.GetString("merged_into") != "" || p.goes.GetString("merged_into") != "" {
			return refusal.Invalid(notOther)
		}
		takeOver(p.stays, p.goes)
		if utf8.RuneCountInString(p.stays.GetString("notes")) > notesMost {
			return refusal.Invalid(map[string]string{"other": "The notes of both together are too long: shorten one first"})
		}
		p.goes.Set("merged_into", p.stays.Id)
		audit.With(p.stays, rt.entry(re, p, "contacts.merge"))
		for _, one := range []*core.Record{p.stays, p.goes} {
			if err := tx.Save(one); err != nil {
				return err
			}
		}
		for _, statement := range []string{numbersFollow, follow} {
			if _, err := atomic.Of(tx).Exec(statement, p.stays.Id, p.goes.Id); err != nil {
				return err
			}
		}
		return nil
	})
}

// takeOver gives who stays what they lack of who goes. Notes are put together, and
// who blocked one of the two meant both.
func takeOver(stays, goes *core.Record) {
	for _, name := range []string{"name", "company", "email"} {
		if stays.GetString(name) == "" {
			stays.Set(name, goes.GetString(name))
		}
	}
	var notes []string
	for _, said := range []string{stays.GetString("notes"), goes.GetString("notes")} {
		if said != "" && (len(notes) == 0 || notes[0] != said) {
			notes = append(notes, said)
		}
	}
	stays.Set("notes", strings.Join(notes, "\n"))
	stays.Set("blocked", stays.GetBool("blocked") || goes.GetBool("blocked"))
	first, last := goes.GetString("first_seen_at"), goes.GetString("last_seen_at")
	if was := stays.GetString("first_seen_at"); first != "" && (was == "" || first < was) {
		stays.Set("first_seen_at", first)
	}
	if last > stays.GetString("last_seen_at") {
		stays.Set("last_seen_at", last)
	}
}

// split makes a merged number a contact of its own again. What was taken over of it
// stays: nobody knows any more whose it was.
func (rt *routes) split(re *core.RequestEvent) error {
	return rt.both(re, func(tx core.App, p pair) error {
		if p.goes.GetString("merged_into") != p.stays.Id {
			return refusal.Invalid(notOther)
		}
		p.goes.Set("merged_into", "")
		p.goes.Set("blocked", p.stays.GetBool("blocked"))
		audit.With(p.stays, rt.entry(re, p, "contacts.split"))
		for _, one := range []*core.Record{p.stays, p.goes} {
			if err := tx.Save(one); err != nil {
				return err
			}
		}
		_, err := atomic.Of(tx).Exec(giveBack, p.goes.Id, p.stays.Id, p.goes.GetString("phone_number"))
		return err
	})
}

func (rt *routes) entry(re *core.RequestEvent, p pair, action string) audit.Entry {
	return audit.Entry{
		Organization: p.t.ID(), Actor: audit.ActorOf(re), Action: action, Resource: collections.Contacts, Record: p.stays.Id,
		Details: map[string]any{"other": p.goes.Id},
	}
}

// numbers tells who may call back the numbers of a call; from whom lists keep them,
// it is written down.
func (rt *routes) numbers(re *core.RequestEvent) error {
	call, t, err := lists.CallToWork(rt.app, re)
	if err != nil {
		return err
	}
	if call.GetString("organization") != re.Request.PathValue("organization") {
		return refusal.Of("not_found/call")
	}
	if t.Masked() {
		err := audit.Add(rt.app, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(re), Action: "calls.number", Resource: collections.Calls, Record: call.Id,
		})
		if err != nil {
			return err
		}
	}
	return facade.JSON(re, http.StatusOK, map[string]any{
		"caller_number": call.GetString("caller_number"), "recipient_number": call.GetString("recipient_number"),
	})
}
