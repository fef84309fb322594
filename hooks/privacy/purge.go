package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// purgeRows is how many rows go in one transaction: others wait for it.
	purgeRows = 1_000
	// askAgain is when a removal the provider refused is tried once more.
	askAgain = time.Hour
)

// takeDownDue is the job organizations.purge: it ends organizations whose time is
// over. It can stop anywhere and go on at the next run.
func (d *domain) takeDownDue(ctx context.Context, r *schedule.Run) error {
	due, err := d.app.FindRecordsByFilter(collections.Organizations,
		"status = {:closed} && deletes_at != '' && deletes_at <= @now", "deletes_at", 50, 0,
		map[string]any{"closed": collections.OrganizationClosed})
	if err != nil {
		return err
	}
	var failures []error
	for _, o := range due {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		done, err := d.takeDown(ctx, o)
		if err != nil {
			failures = append(failures, fmt.Errorf("organization %s: %w", o.Id, err))
		}
		if done {
			r.Add(1)
		}
	}
	return errors.Join(failures...)
}

// takeDown takes an organization down: its rows, then its copies at providers,
// and when they are gone who belonged to it and itself.
func (d *domain) takeDown(ctx context.Context, o *core.Record) (done bool, err error) {
	if held, err := underHold(d.app, o.Id); err != nil || held {
		return false, err // set since the deletion was asked for; it goes on when it is lifted
	}
	if err := d.dropRows(ctx, o.Id, false); err != nil {
		return false, err
	}
	if err := d.dropCopies(ctx, o.Id); err != nil {
		return false, err
	}
	owed, err := d.copiesLeft(o.Id)
	if err != nil || owed > 0 {
		return false, err // the next run looks again
	}
	// Messages that came in meanwhile.
	if err := d.dropRows(ctx, o.Id, false); err != nil {
		return false, err
	}
	return true, d.dropLast(ctx, o)
}

// dropRows deletes the organization's rows in chunks; the last ones only when
// last is set. Rows with files go as records, so that their files go too.
func (d *domain) dropRows(ctx context.Context, organization string, last bool) error {
	all := collections.All()
	for at := len(all) - 1; at >= 0; at-- { // those that point before those pointed at
		c := all[at]
		traits, _ := collections.TraitsOf(c.Name)
		if !collections.Tenant(c) || slices.Contains(collections.Copied(), c.Name) || traits.Last != last {
			continue
		}
		drop := d.dropChunk
		for _, f := range c.Fields {
			if f.Type() == core.FieldTypeFile {
				drop = d.dropRecords
			}
		}
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := drop(c.Name, organization)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// dropChunk asks the mechanisms for theirs.
func (d *domain) dropChunk(collection, organization string) (int64, error) {
	tx := atomic.Of(d.app)
	switch collection {
	case collections.Outbox:
		return d.Outbox.Drop(tx, organization, purgeRows)
	case collections.ProviderEvents:
		return inbox.Drop(tx, organization, purgeRows)
	}
	result, err := tx.Exec(`DELETE FROM `+collection+` WHERE rowid IN (SELECT rowid FROM `+
		collection+` WHERE organization = ? LIMIT ?)`, organization, purgeRows)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (d *domain) dropRecords(collection, organization string) (int64, error) {
	var found []*core.Record
	if err := d.app.RecordQuery(collection).AndWhere(dbx.HashExp{"organization": organization}).Limit(100).All(&found); err != nil {
		return 0, err
	}
	for _, r := range found {
		if err := d.app.Delete(r); err != nil {
			return 0, err
		}
	}
	return int64(len(found)), nil
}

// dropCopies deletes rows that have copies: the mirror then owes their removal.
func (d *domain) dropCopies(ctx context.Context, organization string) error {
	for _, name := range slices.Backward(collections.Copied()) {
		for n := int64(1); n > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if n, err = d.dropRecords(name, organization); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// copiesLeft counts removals the provider has not agreed to. One that was
// given up is owed again after a while: the copy must not stay behind.
func (d *domain) copiesLeft(organization string) (int, error) {
	owed, given, err := d.Mirror.Owed(atomic.Of(d.app), organization, time.Now().Add(-askAgain))
	if err == nil && given > 0 {
		return given, fmt.Errorf("the provider does not remove %d copies; asked again within the hour", given)
	}
	return owed, err
}

// dropLast ends memberships, the accounts of API keys, and the organization.
func (d *domain) dropLast(ctx context.Context, o *core.Record) error {
	var people, services []string
	if err := d.app.DB().Select("user").From(collections.Memberships).Where(dbx.HashExp{"organization": o.Id}).Column(&people); err != nil {
		return err
	}
	if err := d.app.DB().Select("acts_as").From(collections.APIKeys).Where(dbx.HashExp{"organization": o.Id}).AndWhere(dbx.Not(dbx.HashExp{"acts_as": ""})).Column(&services); err != nil {
		return err
	}
	if err := d.dropRows(ctx, o.Id, true); err != nil {
		return err
	}
	for _, id := range services {
		account, err := database.Found(d.app.FindRecordById(collections.Users, id))
		if err != nil {
			return fmt.Errorf("account of a key: %w", err)
		}
		if account == nil || !account.GetBool("is_service") {
			continue // gone already, or a person
		}
		if err := d.app.Delete(account); err != nil {
			return fmt.Errorf("account of a key: %w", err)
		}
	}
	err := d.app.RunInTransaction(func(tx core.App) error {
		if err := tx.Delete(o); err != nil {
			return err
		}
		if err := audit.Forget(atomic.Of(tx), o.Id); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Actor: audit.Actor{Type: audit.ActorSystem, Name: "organizations.purge"}, Action: "organizations.purge",
			Resource: collections.Organizations, Record: o.Id,
		})
	})
	// SQL removed memberships: nobody may be let in from memory.
	tenant.Forget(d.app)
	for _, user := range people {
		if d.Drop != nil {
			d.Drop(user, o.Id)
		}
	}
	return err
}
