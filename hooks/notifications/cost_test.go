package notifications

import (
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// served is a call that came to something, as the inbox hands it over.
func served(t testing.TB, app core.App) *core.Record {
	t.Helper()
	c, err := app.FindCachedCollectionByNameOrId(collections.Calls)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{
		"organization": testkit.Acme, "vapi_call_id": "one", "status": collections.CallCompleted,
		"call_type": collections.Inbound, "channel": "phone",
		"outcome": "completed", "answered_at": time.Now(), "ended_at": time.Now(), "reported_at": time.Now(),
	})
	return r
}

// Reports of calls come in by the thousand a second, and most calls were
// served: the reaction must not build anything for them. It is given no
// transaction here, so touching one would end the test.
func TestServedCall_costs_no_memory_and_no_database(t *testing.T) {
	app := testkit.New(t)
	app.Settings().SMTP.Enabled = true
	d := &domain{app: app, Tools: room.Tools{Now: time.Now}}
	call := served(t, app)
	if n := testing.AllocsPerRun(100, func() {
		if err := d.afterCall(nil, nil, call); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%.0f allocations, want none", n)
	}
}

func BenchmarkServedCall(b *testing.B) {
	app := testkit.New(b)
	app.Settings().SMTP.Enabled = true
	d := &domain{app: app, Tools: room.Tools{Now: time.Now}}
	call := served(b, app)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.afterCall(nil, nil, call); err != nil {
			b.Fatal(err)
		}
	}
}
