package lists

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// countWeek counts seven days in one walk over one index: calls in that were answered,
// those that were missed, calls nobody has settled, and a sum for each day.
const countWeek = `SELECT coalesce(sum(answered AND call_type = 'inbound'), 0), coalesce(sum(missed), 0),
	coalesce(sum(ended_at != '' AND resolution_status IN ('pending', 'escalated')), 0),
	coalesce(sum(started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0),
	coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0),
	coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ?), 0)
	FROM calls INDEXED BY idx_calls_organization_started_at WHERE organization = ? AND started_at >= ?`

const selectFailed = `SELECT started_at, outcome FROM calls WHERE organization = ? AND status = 'failed' ORDER BY started_at DESC LIMIT 1`

// WeekOf counts the days that end with now's in the zone.
func WeekOf(tx atomic.Tx, organization string, zone *time.Location, now time.Time) (w reach.Week, err error) {
	y, m, day := now.In(zone).Date()
	var bounds [7]string // the beginnings of the days, there
	for i := range bounds {
		bounds[i] = rows.Stamp(time.Date(y, m, day-6+i, 0, 0, 0, 0, zone))
	}
	args := []any{bounds[1]}
	for i := 1; i < 6; i++ {
		args = append(args, bounds[i], bounds[i+1])
	}
	args = append(args, bounds[6], organization, bounds[0])
	into := []any{&w.Answered, &w.Missed, &w.Open}
	for i := range w.Days {
		into = append(into, &w.Days[i])
	}
	if err := atomic.One(tx, countWeek, args, into...); err != nil {
		return w, fmt.Errorf("calls of %s: %w", organization, err)
	}
	err = atomic.One(tx, selectFailed, []any{organization}, &w.FailedAt, &w.Outcome)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return w, fmt.Errorf("failed calls of %s: %w", organization, err)
	}
	return w, nil
}
