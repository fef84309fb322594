package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/usage"
)

func newCall(t *testing.T, app core.App, more map[string]any) *core.Record {
	t.Helper()
	c, err := app.FindCollectionByNameOrId(collections.Calls)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{
		"organization": testkit.Acme, "vapi_call_id": "metered", "status": collections.CallCompleted,
		"call_type":        collections.Inbound,
		"duration_seconds": 61, "cost_micros": 50_100, "ended_at": testkit.Start,
	})
	r.Load(more)
	return r
}

// metered are the events of the call, a line each.
func metered(t *testing.T, app *tests.TestApp) string {
	t.Helper()
	rows, err := atomic.Of(app).Query(`SELECT kind, quantity, unit, cost_micros, at, reference, organization
		FROM usage_events WHERE reference = 'call:metered'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := ""
	for rows.Next() {
		var kind, unit, at, reference, organization string
		var quantity, cost int64
		if err := rows.Scan(&kind, &quantity, &unit, &cost, &at, &reference, &organization); err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintln(kind, quantity, unit, cost, at, organization)
	}
	return all
}

func TestMeter_counts_a_reported_call_once(t *testing.T) {
	const inbound = "voice_inbound 61 second 50100 2026-09-01 09:30:00.000Z acme00000000000\n"
	for _, one := range []struct {
		name  string
		first map[string]any
		then  []map[string]any
		want  string
	}{
		{"reported at once", map[string]any{"reported_at": testkit.Start}, nil, inbound},
		{"reported later", nil, []map[string]any{{"reported_at": testkit.Start}}, inbound},
		{"changed after its report", map[string]any{"reported_at": testkit.Start},
			[]map[string]any{{"notes": "x"}, {"duration_seconds": 5}}, inbound},
		{"reported twice", nil,
			[]map[string]any{{"reported_at": testkit.Start}, {"reported_at": testkit.Start.Add(time.Hour)}}, inbound},
		{"reported, taken back, reported", map[string]any{"reported_at": testkit.Start},
			[]map[string]any{{"reported_at": ""}, {"reported_at": testkit.Start}}, inbound},
		{"going on", map[string]any{"status": collections.CallInProgress},
			[]map[string]any{{"status": collections.CallCompleted}}, ""},
		{"written down by a person", map[string]any{"vapi_call_id": "", "reported_at": testkit.Start}, nil, ""},
		{"outbound", map[string]any{"call_type": collections.Outbound, "reported_at": testkit.Start}, nil,
			"voice_outbound 61 second 50100 2026-09-01 09:30:00.000Z acme00000000000\n"},
		{"never connected", map[string]any{"duration_seconds": 0, "cost_micros": 0, "reported_at": testkit.Start},
			nil, "voice_inbound 0 second 0 2026-09-01 09:30:00.000Z acme00000000000\n"},
	} {
		app := testkit.New(t, usage.Register)
		call := newCall(t, app, one.first)
		if err := app.Save(call); err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
		for _, change := range one.then {
			call.Load(change)
			if err := app.Save(call); err != nil {
				t.Fatalf("%s: %v", one.name, err)
			}
		}
		if got := metered(t, app); got != one.want {
			t.Errorf("%s: got %q, want %q", one.name, got, one.want)
		}
	}
}

// A call whose meter cannot be written is not written either.
func TestMeter_and_call_are_there_together_or_not_at_all(t *testing.T) {
	app := testkit.New(t, usage.Register)
	if _, err := atomic.Of(app).Exec(`CREATE TRIGGER refuse BEFORE INSERT ON usage_events BEGIN SELECT RAISE(ABORT, 'no ledger'); END`); err != nil {
		t.Fatal(err)
	}
	if err := app.Save(newCall(t, app, map[string]any{"reported_at": testkit.Start})); err == nil {
		t.Error("the call was saved without its meter")
	}
	if _, err := app.FindFirstRecordByData(collections.Calls, "vapi_call_id", "metered"); err == nil {
		t.Error("the call is there")
	}
}

// The bill outlives the call: what was used was used.
func TestMeter_outlives_the_call(t *testing.T) {
	app := testkit.New(t, usage.Register)
	call := newCall(t, app, map[string]any{"reported_at": testkit.Start})
	if err := app.Save(call); err != nil {
		t.Fatal(err)
	}
	if err := app.Delete(call); err != nil {
		t.Fatal(err)
	}
	if got := metered(t, app); got == "" {
		t.Error("deleting a call deletes its meter")
	}
}
