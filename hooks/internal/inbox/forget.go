package inbox

import (
	"context"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Forget deletes the messages of an organization up to an instant that about picks
// by their payload, and says how many. Parked ones that belong to nobody are looked through
// as well, and are nobody's to count. Bodies that could not be read are sealed, so that
// nothing picks them: they stay until Sweep. What was packed goes with its call; marks of
// deleted calls stay.
func Forget(ctx context.Context, app core.App, organization string, until time.Time,
	about func(payload string) bool) (int, error) {
	d := database.Discarded{
		Table: "provider_events", Column: "payload", Unwanted: about,
		Where:  "organization = {:o} AND created <= {:until} AND type NOT IN ('packed', 'deleted')",
		Params: dbx.Params{"o": organization, "until": rows.Stamp(until)},
	}
	n, err := database.Discard(ctx, app, d)
	if err != nil {
		return n, err
	}
	d.Where = "organization = '' AND status = 'parked' AND created <= {:until} AND type NOT IN ('packed', 'deleted')"
	d.Params = dbx.Params{"until": rows.Stamp(until)}
	_, err = database.Discard(ctx, app, d)
	return n, err
}

// Sweep deletes an organization's messages from before an instant, "" those that
// nobody owns, and says how many. Marks of deleted calls stay: they keep late
// messages out.
func Sweep(ctx context.Context, app core.App, organization string, before time.Time) (int, error) {
	return atomic.Repeat(ctx, app, `DELETE FROM provider_events WHERE id IN (SELECT id FROM provider_events
		WHERE organization = ? AND created < ? AND type != 'deleted' LIMIT ?)`, organization, rows.Stamp(before))
}
