package hooks

import (
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// What the product leaves out of PocketBase's start must be known to it by that name,
// and nothing may miss it.
func TestStart_reads_the_collections_once(t *testing.T) {
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
	before := app.OnBootstrap().Length()
	app.OnBootstrap().Unbind(collectionsAgain)
	if got := app.OnBootstrap().Length(); got != before-1 {
		t.Fatalf("got %d hooks at bootstrap, want one less than %d: PocketBase gave it another name", got, before)
	}
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	defer app.ClearBootstrap()
	if known, _ := app.Store().Get(core.StoreKeyCachedCollections).([]*core.Collection); len(known) == 0 {
		t.Error("got no collections in memory after a start without its second look")
	}
}

// A start waits for the answer: with calls that are all written by hand or brought
// from elsewhere it would read each of them.
func TestStart_knows_by_indexes_whether_the_provider_has_calls(t *testing.T) {
	app := testkit.New(t)
	tx := atomic.Of(app)
	rows, err := tx.Query("EXPLAIN QUERY PLAN " + selectKnown)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		var node, parent, unused int
		var detail string
		if err := rows.Scan(&node, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(detail, "SCAN calls USING COVERING INDEX uq_calls_vapi_call_id"), // of rows with an id alone
			strings.HasPrefix(detail, "SEARCH c USING INDEX idx_calls_organization_status_started_at"):
			read++
		case strings.HasPrefix(detail, "SCAN calls"), strings.HasPrefix(detail, "SCAN c "):
			t.Errorf("reads every call: %s", detail)
		}
	}
	if err := rows.Err(); err != nil || read != 2 {
		t.Errorf("got %d looks at calls, want 2 (%v)", read, err)
	}

	call := testkit.Row(testkit.Acme, "call")
	for _, c := range []struct {
		name, set string
		want      bool
	}{
		{"written by hand", "status = 'completed'", false},
		{"refused by the provider", "status = 'failed', placing = 'refused'", false},
		{"on its way to the provider", "status = 'queued', placing = 'waiting'", true},
		{"asked for without a clear answer", "status = 'queued', placing = 'unclear'", true},
		{"at the provider", "status = 'completed', vapi_call_id = 'one'", true},
	} {
		for _, statement := range []string{
			"UPDATE calls SET vapi_call_id = '', placing = '', status = 'completed'",
			"UPDATE calls SET " + c.set + " WHERE id = '" + call + "'",
		} {
			if _, err := tx.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		var known bool
		if err := atomic.One(tx, selectKnown, nil, &known); err != nil || known != c.want {
			t.Errorf("%s: got %v (%v), want %v", c.name, known, err, c.want)
		}
	}
}
