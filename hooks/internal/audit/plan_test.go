package audit

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// plans says of each statement about the log that do sends how the database finds
// its rows. Statements in a transaction are heard as well.
func plans(t *testing.T, app core.App, do func() error) map[string][]string {
	t.Helper()
	var asked []string
	db := app.NonconcurrentDB().(*dbx.DB)
	queries, executions := db.QueryLogFunc, db.ExecLogFunc
	hear := func(statement string) {
		if strings.Contains(statement, collections.AuditLogs) {
			asked = append(asked, statement)
		}
	}
	db.QueryLogFunc = func(_ context.Context, _ time.Duration, s string, _ *sql.Rows, _ error) { hear(s) }
	db.ExecLogFunc = func(_ context.Context, _ time.Duration, s string, _ sql.Result, _ error) { hear(s) }
	err := do()
	db.QueryLogFunc, db.ExecLogFunc = queries, executions
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, statement := range asked {
		var plan []struct {
			Detail string `db:"detail"`
		}
		if err := db.NewQuery("EXPLAIN QUERY PLAN " + statement).All(&plan); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		for _, step := range plan {
			found[statement] = append(found[statement], step.Detail)
		}
	}
	return found
}

func filled(t *testing.T) core.App {
	t.Helper()
	app := testkit.New(t)
	for _, record := range []string{"one", "two", "three"} {
		err := Add(app, Entry{
			Organization: testkit.Acme, Actor: Actor{Type: ActorUser}, Action: "calls.update", Resource: collections.Calls,
			Record:  record,
			Details: map[string]string{"name": "Cara Caller"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		"DROP TRIGGER audit_logs_kept", // these entries are too young to go
		"UPDATE audit_chains SET unchained = 1 WHERE chain = '" + testkit.Acme + "'",
	} {
		if _, err := app.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	return app
}

// An erasure reads the entries about the person's rows, and no others, however
// long the organization's log is.
func TestErase_finds_entries_by_the_row_they_are_about(t *testing.T) {
	app := filled(t)
	found := plans(t, app, func() error {
		n, err := Erase(t.Context(), app, testkit.Acme, []string{collections.Calls, collections.Contacts},
			[]string{"one", "two"})
		if n != 2 {
			t.Errorf("erased %d, want 2", n)
		}
		return err
	})
	if len(found) == 0 {
		t.Fatal("no statement was heard")
	}
	for statement, steps := range found {
		all := strings.Join(steps, "\n")
		if !strings.Contains(all, "(organization=? AND record=?)") || strings.Contains(all, "SCAN audit_logs") {
			t.Errorf("%s:\n%s", statement, all)
		}
	}
}

// Trimming reads what it removes: places in the chain, and the entries from before
// it only while there are some.
func TestTrim_finds_entries_by_their_place(t *testing.T) {
	app := filled(t)
	trimmed := func() map[string][]string {
		return plans(t, app, func() error {
			_, err := Trim(t.Context(), app, testkit.Acme, "2999-01-01 00:00:00.000Z")
			return err
		})
	}
	unchained := func(found map[string][]string) (n int) {
		for statement, steps := range found {
			all := strings.Join(steps, "\n")
			byPlace, byTime := strings.Contains(all,
				"audit_logs USING INDEX uq_audit_logs_chain_position (chain=? AND position"),
				strings.Contains(all, "(organization=? AND created<?)")
			if !byPlace && !byTime || strings.Contains(all, "SCAN audit_logs") {
				t.Errorf("%s:\n%s", statement, all)
			}
			if byTime {
				n++
			}
		}
		return n
	}
	if n := unchained(trimmed()); n == 0 {
		t.Error("entries from before the chain are not looked for")
	}
	if n := unchained(trimmed()); n != 0 {
		t.Error("entries from before the chain are looked for when there are none: each batch reads the whole log")
	}
}
