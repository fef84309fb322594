package pb_migrations

import (
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

func TestMessages_of_before_that_are_the_last_say_so(t *testing.T) {
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	want := map[string]bool{}
	for _, e := range []struct {
		kind, status string
		last         bool
	}{
		{"end-of-call-report", "applied", true}, {"end-of-call-report", "failed", true},
		{"end-of-call-report", "parked", true},
		{"hang", "applied", false}, {"packed", "packed", false},
	} {
		key := e.kind + ":" + e.status
		want[key] = e.last
		row := dbx.Params{"id": key, "provider": "vapi", "event_key": key, "type": e.kind, "status": e.status}
		if _, err := app.DB().Insert("provider_events", row).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.RunInTransaction(lastMessages); err != nil {
		t.Fatal(err)
	}
	var found []struct {
		Key  string `db:"event_key"`
		Last bool   `db:"last"`
	}
	if err := app.DB().NewQuery("SELECT event_key, last FROM provider_events").All(&found); err != nil {
		t.Fatal(err)
	}
	if len(found) != len(want) {
		t.Errorf("%d messages are left of %d", len(found), len(want))
	}
	for _, one := range found {
		if one.Last != want[one.Key] {
			t.Errorf("%s: got %t", one.Key, one.Last)
		}
	}
}
