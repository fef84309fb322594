package privacy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// eraseRows removes what is kept. Deleting a call takes its lines, timeline,
// report (and with it the search index), recordings and stored messages along,
// leaves a mark against late ones, and owes the deletion at the provider
// (hooks/calls). Each call is a transaction of its own: a caller of many years
// must not hold the database, and what was done is noted with it: whoever goes on
// after a stop counts on.
func (d *domain) eraseRows(ctx context.Context, app core.App, s callerRows, numbers counts, note noting) error {
	// The log first: what is stopped half-way still finds its rows by the number.
	if err := forgetInLog(ctx, app, s, numbers); err != nil {
		return err
	}
	for len(s.calls) > 0 {
		for _, call := range s.calls {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := eraseCall(app, call.Id, numbers, note); err != nil {
				return fmt.Errorf("erase a call: %w", err)
			}
		}
		if len(s.calls) < subjectCalls {
			break
		}
		// The first of many: on with the others.
		more, err := subjectByNumber(app, s.again())
		if err != nil {
			return err
		}
		for _, some := range []callerRows{s, more} { // what was written since, and what comes now
			if err := forgetInLog(ctx, app, some, numbers); err != nil {
				return err
			}
		}
		s = more
	}
	return d.eraseRest(ctx, app, s, numbers)
}

// counts are how many rows of which kind an erasure took.
type counts map[string]int

// noting keeps what was counted, in the transaction in which it was done.
type noting func(tx core.App, numbers counts) error

// eraseCall deletes a call and counts what goes with it.
func eraseCall(app core.App, id string, numbers counts, note noting) error {
	then := maps.Clone(numbers)
	err := app.RunInTransaction(func(tx core.App) error {
		call, err := database.Found(tx.FindRecordById(collections.Calls, id))
		if err != nil || call == nil {
			return err // gone already
		}
		for _, name := range collections.WithCall() {
			n, err := rows.Count(atomic.Of(tx), "SELECT count(*) FROM "+name+" WHERE call = ?", id)
			if err != nil {
				return err
			}
			then[name] += n
		}
		if _, at := collections.SourceOfCall(call); at != "" {
			then["provider_copies"]++
		}
		then["calls"]++
		if err := tx.Delete(call); err != nil {
			return err
		}
		return note(tx, then)
	})
	if err == nil {
		maps.Copy(numbers, then)
	}
	return err
}

// eraseRest removes what no call takes along: the contacts, and messages and
// promises about the caller that belong to no call we kept. All that can be long
// is looked for before it is deleted, and deleted in pieces.
func (d *domain) eraseRest(ctx context.Context, app core.App, s callerRows, numbers counts) error {
	home := tenant.HomeOf(app, s.organization)
	about := func(payload string) bool { return s.names(payload, home) }
	n, err := inbox.Forget(ctx, app, s.organization, s.until.Time(), about)
	if numbers[collections.ProviderEvents] += n; err != nil {
		return err
	}
	n, err = d.Outbox.Forget(ctx, s.organization, s.until.Time(), about)
	if numbers[collections.Outbox] += n; err != nil {
		return err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		return database.Wipe(tx, func() error {
			for _, c := range s.contacts {
				contact, err := database.Found(tx.FindRecordById(collections.Contacts, c.Id))
				if err != nil {
					return err
				}
				if contact == nil {
					continue // gone already
				}
				if err := tx.Delete(contact); err != nil {
					return err
				}
				numbers[collections.Contacts]++
			}
			return nil
		})
	})
	return errors.Join(err, forgetInLog(ctx, app, s, numbers)) // what was written since
}

// forgetInLog empties what the audit log says of the caller's rows. Who did
// what and when stays; this is the one change the database lets through.
func forgetInLog(ctx context.Context, app core.App, s callerRows, numbers counts) error {
	ids := []string{}
	for _, row := range slices.Concat(s.calls, s.contacts) {
		ids = append(ids, row.Id)
	}
	n, err := audit.Erase(ctx, app, s.organization, []string{collections.Calls, collections.Contacts}, ids)
	numbers["audit_details"] += n
	return err
}
