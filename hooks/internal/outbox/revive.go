package outbox

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// Hurry makes promises whose keys begin with prefix due now and returns how
// many are open, those being delivered included. prefix ends in a colon.
func (o *Outbox) Hurry(tx atomic.Tx, prefix string) (open int, err error) {
	from, to := span(prefix)
	now := stamp(o.now())
	if _, err := tx.Exec(`UPDATE outbox SET next_at = ? WHERE status = ? AND next_at > ? AND [key] >= ? AND [key] < ?`,
		now, collections.OutboxPending, now, from, to); err != nil {
		return 0, fmt.Errorf("outbox: hurry %s: %w", prefix, err)
	}
	if err := atomic.One(tx, `SELECT count(*) FROM outbox WHERE status IN (?, ?) AND [key] >= ? AND [key] < ?`,
		[]any{collections.OutboxPending, collections.OutboxRunning, from, to}, &open); err != nil {
		return 0, fmt.Errorf("outbox: count %s: %w", prefix, err)
	}
	if open > 0 {
		o.Nudge()
	}
	return open, nil
}

// Died returns when the last promise whose key begins with prefix was given up;
// the zero time when none was.
func (o *Outbox) Died(tx atomic.Tx, prefix string) (time.Time, error) {
	from, to := span(prefix)
	var at string
	if err := atomic.One(tx, `SELECT coalesce(max(done_at), '') FROM outbox WHERE status = ? AND [key] >= ? AND [key] < ?`,
		[]any{collections.OutboxDead, from, to}, &at); err != nil {
		return time.Time{}, fmt.Errorf("outbox: look for dead %s: %w", prefix, err)
	}
	died, err := types.ParseDateTime(at)
	return died.Time(), err
}

// span is the range of keys that begin with prefix, for the index on key.
func span(prefix string) (from, to string) {
	last := len(prefix) - 1
	return prefix, prefix[:last] + string(prefix[last]+1)
}
