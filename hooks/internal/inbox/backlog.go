package inbox

import (
	"context"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
)

// Backlog is what is stored and not applied.
type Backlog struct {
	// Waiting are messages that failed to apply, 10,000 at most.
	Waiting int
	// Oldest is how long ago the first of them came.
	Oldest time.Duration
}

// BacklogOf counts what waits to be applied again.
func BacklogOf(ctx context.Context, app core.App) (b Backlog, err error) {
	var row struct {
		N     int    `db:"n"`
		First string `db:"first"`
	}
	err = app.ConcurrentDB().NewQuery(`SELECT count(*) n, coalesce(min(created), '') first
		FROM (SELECT created FROM provider_events WHERE status = {:s} AND ` + collections.EventWaiting + ` LIMIT 10000)`).
		Bind(dbx.Params{"s": collections.EventErrored}).WithContext(ctx).One(&row)
	if err != nil {
		return b, err
	}
	b.Waiting = row.N
	if at, err := types.ParseDateTime(row.First); err == nil && !at.IsZero() {
		b.Oldest = max(time.Since(at.Time()), 0)
	}
	return b, nil
}
