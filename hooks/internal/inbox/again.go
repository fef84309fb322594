package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

const (
	// maxAttempts is after how many failures a stored message is left for a person.
	maxAttempts = 10
	// One run brings so many messages into memory by their keys; what they say is read
	// one by one, because each may be as large as a provider may send.
	retryBatch  = 500
	selectRetry = `SELECT provider, event_key, attempts FROM provider_events
		WHERE status = ? AND ` + collections.EventWaiting + ` AND next_at <= ? AND attempts < ? ORDER BY next_at LIMIT ?`
	selectStored = `SELECT type, organization, payload FROM provider_events
		WHERE provider = ? AND event_key = ? AND status IN ('failed', 'parked')`
	markTaken = `UPDATE provider_events SET status = ?, organization = ?, error = '', next_at = '', updated = ?
		WHERE provider = ? AND event_key = ? AND status IN ('failed', 'parked')`
	markFailed = `UPDATE provider_events
		SET status = 'failed', attempts = attempts + 1, error = ?, next_at = ?, updated = ?
		WHERE provider = ? AND event_key = ? AND status IN ('failed', 'parked')`
	cutOne = `UPDATE provider_events
		SET type = 'deleted', status = 'packed', payload = '', error = '', next_at = ''
		WHERE provider = ? AND event_key = ?`
)

// stored is a message that was not applied when it came.
type stored struct {
	Event
	attempts int
}

// retry applies stored messages that failed to apply.
func (d *Doors) retry(ctx context.Context, r *schedule.Run) error {
	all, err := d.unapplied(ctx, r.Now())
	if err != nil {
		return fmt.Errorf("failed messages: %w", err)
	}
	for _, s := range all {
		if ctx.Err() != nil {
			break
		}
		letter, organization, err := d.reread(ctx, s)
		if err == nil && letter != nil {
			err = d.effect(ctx, s, letter, organization)
		}
		d.later(ctx, s, err)
		r.Add(1)
	}
	return ctx.Err()
}

// unapplied are the messages whose next try is due.
func (d *Doors) unapplied(ctx context.Context, now time.Time) (all []stored, err error) {
	reads, err := database.Reading(d.app)
	if err != nil {
		return nil, err
	}
	found, err := reads.QueryContext(ctx, selectRetry, collections.EventErrored, rows.Stamp(now), maxAttempts, retryBatch)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var s stored
		if err := found.Scan(&s.Provider, &s.Key, &s.attempts); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, found.Err()
}

// reread reads a stored message anew, as what its proof spoke for when it came. There
// is no letter when it was applied or erased meanwhile.
func (d *Doors) reread(ctx context.Context, s stored) (letter *Letter, organization string, err error) {
	of := d.open[s.Provider]
	if of == nil {
		return nil, "", fmt.Errorf("inbox: nobody reads messages of %s", s.Provider)
	}
	reads, err := database.Reading(d.app)
	if err != nil {
		return nil, "", err
	}
	in := Incoming{Proof: keyring.Operator}
	err = reads.QueryRowContext(ctx, selectStored, s.Provider, s.Key).Scan(&in.Type, &organization, &in.Body)
	if err != nil {
		return nil, "", rows.IgnoreMissing(err)
	}
	if organization != "" {
		in.Proof = keyring.For(organization)
	}
	letter, err = of.read(ctx, in)
	return letter, organization, err
}

// effect applies a message that was read anew, once: what it does and the mark that it
// did commit together. What nobody owns (any more) is parked.
func (d *Doors) effect(ctx context.Context, s stored, letter *Letter, organization string) error {
	box, err := Of(d.app)
	if err != nil {
		return err
	}
	status, apply := collections.EventApplied, letter.Apply
	if letter.Organization == "" {
		status, apply = collections.EventParked, nil
	}
	gone, now := letter.Message().Gone, rows.Stamp(d.Now())
	return box.Do(ctx, func(tx *Tx) (func(), error) {
		if gone != nil {
			if was, err := gone(tx); err != nil || was {
				return nil, errors.Join(err, s.exec(tx, cutOne))
			}
		}
		result, err := tx.Exec(markTaken, status, cmp.Or(letter.Organization, organization), now, s.Provider, s.Key)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 || apply == nil {
			return nil, err // somebody else was first
		}
		return apply(tx)
	})
}

// later notes why a message still does not apply, if it does not, and when it is tried
// again: longer each time.
func (d *Doors) later(ctx context.Context, s stored, failure error) {
	if failure == nil || ctx.Err() != nil {
		return
	}
	d.app.Logger().Warn("provider message still does not apply", "provider", s.Provider, "error", failure)
	box, err := Of(d.app)
	if err == nil {
		now := d.Now()
		next := rows.Stamp(now.Add(time.Minute << s.attempts))
		err = box.Do(ctx, func(tx *Tx) (func(), error) {
			return nil, s.exec(tx, markFailed, rows.Clip(failure.Error(), 500), next, rows.Stamp(now))
		})
	}
	if err != nil {
		d.app.Logger().Error("provider message not put off", "provider", s.Provider, "error", err)
	}
}

// exec runs a statement that ends in the provider and the key.
func (e Event) exec(tx atomic.Tx, query string, args ...any) error {
	_, err := tx.Exec(query, append(args, e.Provider, e.Key)...)
	return err
}
