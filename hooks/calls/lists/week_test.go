package lists

import (
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestWeek_counts_the_days_of_the_zone_and_one_organization(t *testing.T) {
	d := newDesk(t)
	zone := time.FixedZone("", -5*3_600)
	now := time.Date(2026, 11, 11, 12, 0, 0, 0, zone)
	put := func(organization, id string, at time.Time, more map[string]any) {
		columns := map[string]any{"started_at": rows.Stamp(at), "ended_at": rows.Stamp(at), "resolution_status": "resolved",
			"call_type": "inbound"}
		for name, value := range more {
			columns[name] = value
		}
		d.put(organization, id, columns, "", "")
	}
	midnight := time.Date(2026, 11, 11, 0, 0, 0, 0, zone)
	put(testkit.Acme, "wtoday000000000", midnight, map[string]any{"answered": true})
	put(testkit.Acme, "wyesterday00000", midnight.Add(-time.Second), map[string]any{"resolution_status": "pending", "missed": true})
	put(testkit.Acme, "wmailbox0000000", midnight, map[string]any{"answered_at": rows.Stamp(midnight)})
	put(testkit.Acme, "wplaced00000000", midnight, map[string]any{"answered": true, "call_type": "outbound"})
	put(testkit.Acme, "wbefore00000000", midnight.AddDate(0, 0, -6).Add(-time.Second),
		map[string]any{"status": "failed", "outcome": "silence"})
	put(testkit.Bolt, "wbolt0000000000", midnight, nil)
	got, err := WeekOf(atomic.Reads(d.TestApp), testkit.Acme, zone, now)
	want := reach.Week{
		Days: [7]int{5: 1, 6: 3}, Answered: 1, Missed: 1, Open: 1,
		FailedAt: rows.Stamp(midnight.AddDate(0, 0, -6).Add(-time.Second)), Outcome: "silence",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestWeek_walks_indexes(t *testing.T) {
	d := newDesk(t)
	day := make([]any, 14)
	for n := range day {
		day[n] = "2026-01-01"
	}
	for statement, args := range map[string][]any{countWeek: day, selectFailed: day[:1]} {
		plan := d.rows("EXPLAIN QUERY PLAN "+statement, args...)
		if !strings.Contains(plan, "USING INDEX idx_calls_organization_") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s\ngot %s", statement, plan)
		}
	}
}
