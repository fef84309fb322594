package inbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// claimKind is the promise to apply what waited for a thing.
const claimKind = "inbox.claim"

// claimed is the thing: the provider and its id there. A subject's messages alone are
// those whose keys begin with it.
type claimed struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Subject  bool   `json:"subject,omitempty"`
}

const (
	parked = collections.EventWaiting + ` AND status = 'parked' AND next_at = '' AND error = ''
		AND type != '` + unreadType + `'`
	// Whether anything waits at all.
	selectParked = `SELECT 1 FROM provider_events INDEXED BY idx_provider_events_waiting
		WHERE provider = ? AND ` + parked + ` LIMIT 1`
	// Messages that name a thing, in the order in which they came.
	selectNaming = `SELECT rowid, event_key FROM provider_events INDEXED BY idx_provider_events_waiting
		WHERE provider = ? AND ` + parked + ` AND rowid > ? AND instr(payload, ?) > 0 ORDER BY rowid LIMIT ?`
	// And the others about what they are about, which may name nothing else.
	selectBeside = `SELECT event_key FROM provider_events WHERE provider = ? AND event_key > ? AND event_key < ?
		AND status = 'parked' AND error = '' ORDER BY rowid`
	selectAnyBeside = `SELECT 1 FROM provider_events WHERE provider = ? AND event_key > ? AND event_key < ?
		AND status = 'parked' AND error = '' LIMIT 1`
	selectWaits = `SELECT 1 FROM provider_events WHERE provider = ? AND event_key = ? AND status = 'parked' AND error = ''`
	// claimBatch bounds the keys that are in memory.
	claimBatch = 200
)

// Appeared says, in the transaction that makes it so, that somebody has the thing
// which a provider's messages name by this id: a number, an assistant. Messages that
// came before are applied as soon as it commits.
func (d *Doors) Appeared(tx atomic.Tx, organization, provider, id string) error {
	return d.promise(tx, organization, claimed{Provider: provider, ID: id}, selectParked, provider)
}

// Known says, in the transaction that makes it so, whose a subject is, such as a call
// with its first message. Messages that came before and named nothing else are applied
// as soon as it commits.
func (d *Doors) Known(tx atomic.Tx, organization string, s Subject) error {
	c := claimed{Provider: s.Provider, ID: s.ID, Subject: true}
	return d.promise(tx, organization, c, selectAnyBeside, s.Provider, s.ID+":", s.ID+";")
}

// promise owes the claim if a query says that something waits at all.
func (d *Doors) promise(tx atomic.Tx, organization string, c claimed, whether string, args ...any) error {
	var one int
	switch err := atomic.One(tx, whether, args, &one); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("inbox: look for messages that wait: %w", err)
	}
	_, err := d.Outbox.Renew(tx, outbox.Row{
		Organization: organization, Kind: claimKind, Key: claimKind + ":" + c.Provider + ":" + c.ID, Payload: c,
	})
	return err
}

// claim keeps the promise. What is applied does not wait any more, so that a claim
// which was cut off goes on where it stood.
func (d *Doors) claim(ctx context.Context, r outbox.Row) error {
	var c claimed
	if err := r.Decode(&c); err != nil {
		return outbox.Dead(err)
	}
	if c.Subject {
		return d.claimBeside(ctx, Subject{c.Provider, c.ID})
	}
	after, beside := int64(0), map[string]bool{}
	for {
		page, last, err := d.naming(ctx, c, after)
		if err != nil {
			return fmt.Errorf("messages that wait: %w", err)
		}
		for _, key := range page {
			about, _, ok := strings.Cut(key, ":")
			if ok && !beside[about] {
				beside[about] = true
				err = d.claimBeside(ctx, Subject{c.Provider, about})
			} else {
				err = d.claimOne(ctx, Event{c.Provider, key})
			}
			if err != nil {
				return err
			}
		}
		if len(page) < claimBatch {
			return nil
		}
		after = last
	}
}

// claimBeside applies what waits about a subject.
func (d *Doors) claimBeside(ctx context.Context, s Subject) error {
	all, err := d.beside(ctx, s)
	if err != nil {
		return err
	}
	for _, key := range all {
		if err := d.claimOne(ctx, Event{s.Provider, key}); err != nil {
			return err
		}
	}
	return nil
}

// naming are the next messages that name a thing.
func (d *Doors) naming(ctx context.Context, c claimed, after int64) (keys []string, last int64, err error) {
	quoted, err := json.Marshal(c.ID) // as it stands in a payload
	if err != nil {
		return nil, 0, err
	}
	reads, err := database.Reading(d.app)
	if err != nil {
		return nil, 0, err
	}
	found, err := reads.QueryContext(ctx, selectNaming, c.Provider, after, string(quoted), claimBatch)
	if err != nil {
		return nil, 0, err
	}
	defer found.Close()
	for found.Next() {
		var key string
		if err := found.Scan(&last, &key); err != nil {
			return nil, 0, err
		}
		keys = append(keys, key)
	}
	return keys, last, found.Err()
}

// beside are the messages about a subject that wait.
func (d *Doors) beside(ctx context.Context, s Subject) (keys []string, err error) {
	reads, err := database.Reading(d.app)
	if err != nil {
		return nil, err
	}
	found, err := reads.QueryContext(ctx, selectBeside, s.Provider, s.ID+":", s.ID+";")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var key string
		if err := found.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, found.Err()
}

// claimOne applies a parked message if it is somebody's by now, and its proof speaks
// for that one. One that fails to apply is tried again like any other.
func (d *Doors) claimOne(ctx context.Context, e Event) error {
	s := stored{Event: e}
	letter, organization, err := d.reread(ctx, s)
	switch {
	case errors.Is(err, ErrForeign), errors.Is(err, ErrUnread):
		return nil
	case err != nil:
		return err
	case letter == nil || letter.Organization == "":
		return nil
	}
	d.later(ctx, s, d.effect(ctx, s, letter, organization))
	return ctx.Err()
}

// waits tells whether a message is parked. One that failed has its own times.
func (d *Doors) waits(ctx context.Context, e Event) (bool, error) {
	reads, err := database.Reading(d.app)
	if err != nil {
		return false, err
	}
	var one int
	err = reads.QueryRowContext(ctx, selectWaits, e.Provider, e.Key).Scan(&one)
	return one == 1, rows.IgnoreMissing(err)
}
