// Package usage meters what organizations use.
//
// A call becomes a usage event when its report is in: once, whatever happens,
// because the event's reference is the provider's call id. Bills are made from
// these rows and never from counters.
package usage

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Register binds the meters.
func Register(app core.App) {
	atomic.On(app, collections.Calls, atomic.Created, "usage: meter the call", meterCall, "reported_at")
	atomic.On(app, collections.Calls, atomic.Updated, "usage: meter the call", meterCall, "reported_at")
}

const insertUsage = `INSERT INTO usage_events (id, organization, kind, quantity, unit, cost_micros, call, at, reference, created, updated)
	VALUES (?, ?, ?, ?, 'second', ?, ?, ?, ?, ?, ?) ON CONFLICT (organization, reference) DO UPDATE
	SET quantity = excluded.quantity, cost_micros = excluded.cost_micros, at = excluded.at, updated = excluded.updated`

// meterCall writes one event per reported call of a provider. Calls people
// write down cost nothing. A call that was taken for lost is metered with what
// was known, and again when its report comes.
func meterCall(tx atomic.Tx, before, after *core.Record) error {
	_, id := collections.SourceOfCall(after)
	if after.GetDateTime("reported_at").IsZero() || id == "" {
		return nil
	}
	if before != nil && !before.GetDateTime("reported_at").IsZero() {
		return nil
	}
	kind := collections.UsageVoiceInbound
	if after.GetString("call_type") == collections.Outbound {
		kind = collections.UsageVoiceOutbound
	}
	now := time.Now()
	stamp := rows.Stamp(now)
	_, err := tx.Exec(insertUsage, collections.NewID(now), after.GetString("organization"), kind,
		after.GetInt("duration_seconds"),
		after.GetInt64("cost_micros"), after.Id, after.GetDateTime("ended_at").String(),
		"call:"+id, stamp, stamp)
	if err != nil {
		return fmt.Errorf("usage event: %w", err)
	}
	return nil
}
