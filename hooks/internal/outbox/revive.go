package outbox

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Hurry makes promises whose keys begin with prefix due now and returns how
// many wait: one that is being delivered is none of them. A wait the other side asked
// for (After) stays. prefix ends in a colon.
func (o *Outbox) Hurry(tx atomic.Tx, prefix string) (waiting int, err error) {
	from, to := span(prefix)
	now := rows.Stamp(o.now())
	// +status keeps SQLite from the index on status and next_at: that one has all promises
	// which wait, a key only its own.
	if _, err := tx.Exec(`UPDATE outbox SET next_at = ? WHERE +status = ? AND next_at > ? AND lease_until <= ? AND [key] >= ? AND [key] < ?`,
		now, collections.OutboxPending, now, now, from, to); err != nil {
		return 0, fmt.Errorf("outbox: hurry %s: %w", prefix, err)
	}
	if err := atomic.One(tx, `SELECT count(*) FROM outbox WHERE +status = ? AND [key] >= ? AND [key] < ?`,
		[]any{collections.OutboxPending, from, to}, &waiting); err != nil {
		return 0, fmt.Errorf("outbox: count %s: %w", prefix, err)
	}
	if waiting > 0 {
		o.Nudge()
	}
	return waiting, nil
}

// Answers makes all waiting promises of the kinds that wait for a provider due with the
// worker's next look: it answers again. A wait it asked for (After) stays. It only leaves
// a note, so whoever noticed may call it from anywhere.
func (o *Outbox) Answers(provider string) {
	o.mu.Lock()
	for kind, k := range o.handlers {
		if k.Provider == provider {
			o.hurried[kind] = true
		}
	}
	o.mu.Unlock()
	o.Nudge()
}

// hurryKinds does what Answers noted.
func (o *Outbox) hurryKinds(now string) error {
	o.mu.Lock()
	noted := o.hurried
	o.hurried = map[string]bool{}
	o.mu.Unlock()
	for kind := range noted {
		if _, err := atomic.Of(o.app).Exec(`UPDATE outbox SET next_at = ?
			WHERE status = ? AND kind = ? AND next_at > ? AND lease_until <= ?`,
			now, collections.OutboxPending, kind, now, now); err != nil {
			o.mu.Lock()
			defer o.mu.Unlock()
			maps.Copy(o.hurried, noted) // for the next look
			return fmt.Errorf("outbox: hurry all of %s: %w", kind, err)
		}
		delete(noted, kind)
	}
	return nil
}

// Died tells when the last promise whose key begins with prefix was given up
// (the zero time when none was), and whether that was because its tries were
// used up: then nobody refused it, and it is worth promising again.
func (o *Outbox) Died(tx atomic.Tx, prefix string) (at time.Time, usedUp bool, err error) {
	from, to := span(prefix)
	var done, kind string
	var attempts int
	err = atomic.One(tx, `SELECT kind, done_at, attempts FROM outbox
		WHERE +status = ? AND [key] >= ? AND [key] < ? ORDER BY done_at DESC LIMIT 1`,
		[]any{collections.OutboxDead, from, to}, &kind, &done, &attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("outbox: look for dead %s: %w", prefix, err)
	}
	died, err := types.ParseDateTime(done)
	return died.Time(), attempts > len(o.kindOf(kind).Delays), err
}

// span is the range of keys that begin with prefix, for the index on key.
func span(prefix string) (from, to string) {
	last := len(prefix) - 1
	return prefix, prefix[:last] + string(prefix[last]+1)
}
