package outbox

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Backlog is what is owed just now.
type Backlog struct {
	// Due may be delivered and is not yet; Later waits for its next try.
	Due, Later int
	// Oldest is how long the first due promise has been waiting for its turn.
	Oldest time.Duration
	// Dead were given up.
	Dead int
}

// Backlog counts the promises.
func (o *Outbox) Backlog() (b Backlog, err error) {
	now := o.now()
	var first string
	err = atomic.One(atomic.Of(o.app), `SELECT count(*) FILTER (WHERE status != ?1 AND next_at <= ?2),
		count(*) FILTER (WHERE status != ?1 AND next_at > ?2), count(*) FILTER (WHERE status = ?1),
		coalesce(min(CASE WHEN status = ?3 AND next_at <= ?2 THEN next_at END), '') FROM outbox WHERE status IN (?1, ?3, ?4)`,
		[]any{collections.OutboxDead, rows.Stamp(now), collections.OutboxPending, collections.OutboxRunning},
		&b.Due, &b.Later, &b.Dead, &first)
	if err != nil {
		return b, fmt.Errorf("outbox: backlog: %w", err)
	}
	if at, err := types.ParseDateTime(first); err == nil && !at.IsZero() {
		b.Oldest = max(now.Sub(at.Time()), 0)
	}
	return b, nil
}
