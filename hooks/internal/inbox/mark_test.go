package inbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

func missing(t *testing.T, app core.App) *Mark {
	t.Helper()
	lost, err := Missing(app)
	if err != nil {
		t.Fatal(err)
	}
	return lost
}

func TestMark_knows_what_the_database_lost(t *testing.T) {
	app, i := open(t)
	app.Store().Set(doorsKey, &Doors{open: map[string]*door{"vapi": {Source: Source{
		Trace: "SELECT 1 FROM contacts WHERE name = ?",
	}}}})
	if lost := missing(t, app); lost != nil {
		t.Errorf("before anything was acknowledged: %v is missing", lost)
	}
	for _, key := range []string{"one:a", "two:a"} {
		if _, err := i.Store(t.Context(), message(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	if lost := missing(t, app); lost != nil {
		t.Errorf("everything is there: %v is missing", lost)
	}
	for _, change := range []struct {
		name, query string
		lost        bool
	}{
		{"packed", `UPDATE provider_events SET event_key = 'two:packed' WHERE event_key = 'two:a'`, false},
		{"gone", `DELETE FROM provider_events WHERE event_key = 'two:packed'`, true},
		{"what it is about is there", `UPDATE contacts SET name = 'two' WHERE id = (SELECT id FROM contacts LIMIT 1)`, false},
	} {
		if _, err := app.NonconcurrentDB().NewQuery(change.query).Execute(); err != nil {
			t.Fatal(err)
		}
		if lost := missing(t, app); (lost != nil) != change.lost || lost != nil && lost.Key != "two:a" {
			t.Errorf("%s: %v is missing, want it to be %v", change.name, lost, change.lost)
		}
	}
}

func TestMark_is_looked_for_by_keys(t *testing.T) {
	app, _ := open(t)
	found, err := app.ConcurrentDB().(*dbx.DB).DB().Query("EXPLAIN QUERY PLAN "+selectTrace, "", "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var id, parent, unused int
		var step string
		if err := found.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(step, "SCAN provider_events") {
			t.Error(step)
		}
	}
}

func TestMark_survives_a_record_cut_off_in_the_middle(t *testing.T) {
	app, i := open(t)
	for _, key := range []string{"one:a", "two:a", "three:a"} {
		if _, err := i.Store(t.Context(), message(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	i.Stop()
	path := filepath.Join(app.DataDir(), markFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	newest := 1 % 2 * slot // the third of them
	raw[newest+40] ^= 0xff
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if m := readMark(app.DataDir()); m == nil || m.Key != "two:a" {
		t.Errorf("got %v, want the record before", m)
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m := readMark(app.DataDir()); m != nil {
		t.Errorf("got %v out of nonsense", m)
	}
}

func TestMark_of_a_message_that_was_erased_since_is_renewed(t *testing.T) {
	app, i := open(t)
	for _, key := range []string{"one:a", "two:a"} {
		if _, err := i.Store(t.Context(), message(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.NonconcurrentDB().NewQuery(`DELETE FROM provider_events
		WHERE event_key = 'two:a'`).Execute(); err != nil {
		t.Fatal(err)
	}
	i.Stop() // as every minute
	if lost := missing(t, app); lost != nil {
		t.Errorf("%v is missing although it was erased while the server ran", lost)
	}
}
