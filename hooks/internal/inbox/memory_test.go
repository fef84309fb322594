package inbox

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestMemory_lasts_until_anybody_else_writes(t *testing.T) {
	failed := errors.New("the applier failed")
	for _, tt := range []struct {
		name  string
		write func(t *testing.T, app core.App, i *Inbox)
		kept  bool
	}{
		{"nothing happened", func(*testing.T, core.App, *Inbox) {}, true},
		{"another message", func(t *testing.T, _ core.App, i *Inbox) {
			if _, err := i.Store(t.Context(), message("call:2"), effect(2)); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"a message that reaches the search index", func(t *testing.T, _ core.App, i *Inbox) {
			if _, err := i.Store(t.Context(), message("call:4"), func(tx *Tx) (func(), error) {
				_, err := tx.Exec(`INSERT INTO call_reports (id, organization, call, position, summary, transcript, analysis,
					costs, performance, created, updated)
					VALUES ('effectreport001', ?, 'effectcall00001', 4711, 'a summary', 'a transcript', '{}', '{}', '{}', '', '')`,
					testkit.Acme)
				return nil, err
			}); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"a repeated message", func(t *testing.T, _ core.App, i *Inbox) {
			if r, err := i.Store(t.Context(), message("call:1"), effect(3)); err != nil || !r.Duplicate {
				t.Fatal(r, err)
			}
		}, true},
		{"a record was saved", func(t *testing.T, app core.App, _ *Inbox) {
			r, err := app.FindRecordById("organizations", testkit.Acme)
			if err != nil {
				t.Fatal(err)
			}
			r.Set("name", "Acme, renamed")
			if err := app.Save(r); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"SQL beside the records", func(t *testing.T, app core.App, _ *Inbox) {
			if _, err := app.NonconcurrentDB().NewQuery("UPDATE contacts SET notes = 'seen'").Execute(); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"another process", func(t *testing.T, app core.App, _ *Inbox) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(app.DataDir(), "data.db")+"?_pragma=busy_timeout(10000)")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("UPDATE contacts SET notes = 'seen elsewhere'"); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a job of ours", func(t *testing.T, _ core.App, i *Inbox) {
			if err := i.Do(context.Background(), func(*Tx) (func(), error) { return nil, nil }); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a message that failed", func(t *testing.T, _ core.App, i *Inbox) {
			if _, err := i.Store(t.Context(), message("call:3"), func(tx *Tx) (func(), error) {
				tx.Remember("call", "what never came to be")
				return nil, failed
			}); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app, i := open(t)
			if _, err := i.Store(t.Context(), message("call:1"), func(tx *Tx) (func(), error) {
				tx.Remember("call", "as stored")
				return effect(1)(tx)
			}); err != nil {
				t.Fatal(err)
			}
			tt.write(t, app, i)
			var fact any
			var kept bool
			if _, err := i.Store(t.Context(), message("call:9"), func(tx *Tx) (func(), error) {
				fact, kept = tx.Recall("call")
				return nil, nil
			}); err != nil {
				t.Fatal(err)
			}
			if kept != tt.kept || kept && fact != "as stored" {
				t.Errorf("remembered %v %q, want %v", kept, fact, tt.kept)
			}
		})
	}
}

func TestMemory_is_bounded(t *testing.T) {
	_, i := open(t)
	if _, err := i.Store(t.Context(), message("call:1"), func(tx *Tx) (func(), error) {
		for n := range maxFacts + 10 {
			tx.Remember(string(rune('a'+n%26))+string(rune(n)), n)
		}
		if len(tx.memory.facts) != maxFacts {
			t.Errorf("%d facts, want %d", len(tx.memory.facts), maxFacts)
		}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestGather_writes_rows_of_one_kind_together_at_the_end(t *testing.T) {
	app, i := open(t)
	release := hold(t, i)
	var pieces [][]any
	write := func(tx *Tx, rows []any) error {
		pieces = append(pieces, rows)
		for _, row := range rows {
			if _, err := effect(row.(int))(tx); err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error)
	for n, key := range []string{"call:1", "call:2", "call:3"} {
		go func() {
			_, err := i.Store(context.Background(), message(key), func(tx *Tx) (func(), error) {
				tx.Gather("contact", n, write)
				if !tx.Gathered("contact") || tx.Gathered("something else") {
					t.Error("what waits is not told")
				}
				return nil, nil
			})
			done <- err
		}()
	}
	for i.Waiting() < 3 {
		runtime.Gosched()
	}
	release()
	for range 3 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if len(pieces) != 1 || len(pieces[0]) != 3 {
		t.Errorf("written in pieces %v, want one of three", pieces)
	}
	if n := count(t, app, "SELECT count(*) FROM contacts WHERE id LIKE 'effect%'"); n != 3 {
		t.Errorf("%d rows stored, want 3", n)
	}
}

func TestGather_that_fails_costs_only_its_own_message(t *testing.T) {
	app, i := open(t)
	release := hold(t, i)
	done := make(chan error)
	// Both gather the same row: the second cannot be stored.
	for _, key := range []string{"call:1", "call:2"} {
		go func() {
			_, err := i.Store(context.Background(), message(key), func(tx *Tx) (func(), error) {
				tx.Gather("contact", 7, func(tx *Tx, rows []any) error {
					for _, row := range rows {
						if _, err := effect(row.(int))(tx); err != nil {
							return err
						}
					}
					return nil
				})
				return nil, nil
			})
			done <- err
		}()
	}
	for i.Waiting() < 2 {
		runtime.Gosched()
	}
	release()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, app, "SELECT count(*) FROM contacts WHERE id LIKE 'effect%'"); n != 1 {
		t.Errorf("%d rows stored, want 1", n)
	}
	if applied, failed := count(t, app,
		"SELECT count(*) FROM provider_events WHERE status = 'applied' AND event_key LIKE 'call:%'"),
		count(t, app, "SELECT count(*) FROM provider_events WHERE status = 'failed'"); applied != 1 || failed != 1 {
		t.Errorf("%d applied and %d failed, want one each", applied, failed)
	}
}
