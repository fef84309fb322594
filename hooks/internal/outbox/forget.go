package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Forget deletes the promises of an organization up to an instant that about picks
// by their payload, kept or not, and says how many.
func (o *Outbox) Forget(ctx context.Context, organization string, until time.Time,
	about func(payload string) bool) (int, error) {
	return database.Discard(ctx, o.app, database.Discarded{
		Table: collections.Outbox, Column: "payload", Unwanted: about,
		Where:  "organization = {:o} AND created <= {:until}",
		Params: dbx.Params{"o": organization, "until": rows.Stamp(until)},
	})
}

// Sweep deletes an organization's promises of before an instant that are over, ""
// the installation's own, and says how many.
func (o *Outbox) Sweep(ctx context.Context, organization string, before time.Time) (int, error) {
	return atomic.Repeat(ctx, o.app, `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
		WHERE organization = ? AND created < ? AND status IN ('done', 'dead') LIMIT ?)`, organization, rows.Stamp(before))
}

// Drop deletes at most so many promises of an organization that ends, kept or not, and
// says how many.
func (o *Outbox) Drop(tx atomic.Tx, organization string, most int) (int64, error) {
	result, err := tx.Exec(`DELETE FROM outbox WHERE rowid IN (SELECT rowid FROM outbox WHERE organization = ? LIMIT ?)`,
		organization, most)
	if err != nil {
		return 0, fmt.Errorf("outbox: drop the promises of %s: %w", organization, err)
	}
	return result.RowsAffected()
}

// Strip takes a field out of a promise's payload: a secret that has been used.
func (o *Outbox) Strip(tx atomic.Tx, id, field string) error {
	_, err := tx.Exec(`UPDATE outbox SET payload = json_remove(payload, '$.' || ?) WHERE id = ?`, field, id)
	if err != nil {
		return fmt.Errorf("outbox: strip %s: %w", id, err)
	}
	return nil
}

// Revive owes again what was given up before an instant.
func (o *Outbox) Revive(tx atomic.Tx, organization, kind string, before time.Time) error {
	now := rows.Stamp(o.now())
	if _, err := tx.Exec(`UPDATE outbox SET status = ?, attempts = 0, next_at = ?, done_at = '', updated = ?
		WHERE organization = ? AND kind = ? AND status = ? AND done_at < ?`,
		collections.OutboxPending, now, now, organization, kind, collections.OutboxDead, rows.Stamp(before)); err != nil {
		return fmt.Errorf("outbox: revive %s: %w", kind, err)
	}
	return nil
}

// Owed counts an organization's promises of a kind: those that are open and those
// that were given up.
func (o *Outbox) Owed(tx atomic.Tx, organization, kind string) (open, dead int, err error) {
	err = atomic.One(tx, `SELECT coalesce(sum(status IN (?, ?)), 0), coalesce(sum(status = ?), 0) FROM outbox
		WHERE organization = ? AND kind = ?`,
		[]any{collections.OutboxPending, collections.OutboxRunning, collections.OutboxDead, organization, kind}, &open, &dead)
	if err != nil {
		return 0, 0, fmt.Errorf("outbox: count %s: %w", kind, err)
	}
	return open, dead, nil
}
