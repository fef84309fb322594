package inbox

import (
	"context"
	"fmt"
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

// Drop deletes at most so many messages of an organization that ends, the marks of
// deleted calls too, and says how many.
func Drop(tx atomic.Tx, organization string, most int) (int64, error) {
	result, err := tx.Exec(`DELETE FROM provider_events WHERE rowid IN
		(SELECT rowid FROM provider_events WHERE organization = ? LIMIT ?)`, organization, most)
	if err != nil {
		return 0, fmt.Errorf("inbox: drop the messages of %s: %w", organization, err)
	}
	return result.RowsAffected()
}
