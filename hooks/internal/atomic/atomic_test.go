package atomic_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// journal notes what reactions saw, in the transaction they ran in.
type journal struct {
	*tests.TestApp
	t       *testing.T
	refuse  error
	seen    []string
	outside bool // a reaction saw its change from outside the transaction
}

const note = `INSERT INTO job_runs (id, job, status, started_at, finished_at, processed, error, watermark, created,
	updated)
	VALUES (?, 'journal', 'done', '', '', 0, '', '', '', '')`

func newJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{t: t}
	j.TestApp = testkit.New(t, func(app core.App) {
		for _, when := range []atomic.When{atomic.Created, atomic.Updated, atomic.Deleted} {
			atomic.On(app, collections.Contacts, when, "journal: note it", j.react(when))
		}
		atomic.On(app, collections.Contacts, atomic.Updated, "journal: a second one",
			func(_ atomic.Tx, _, _ *core.Record) error {
				j.seen = append(j.seen, "second")
				return nil
			})
	})
	return j
}

func (j *journal) react(when atomic.When) atomic.Reaction {
	return func(tx atomic.Tx, before, after *core.Record) error {
		names := func(r *core.Record) string {
			if r == nil {
				return "none"
			}
			return r.GetString("name")
		}
		j.seen = append(j.seen, fmt.Sprintf("%s %s→%s", when, names(before), names(after)))
		if _, err := tx.Exec(note, fmt.Sprintf("journal%08d", len(j.seen))); err != nil {
			return err
		}
		// What is not committed cannot be seen on another connection.
		var n int
		if err := j.ConcurrentDB().NewQuery("SELECT count(*) FROM job_runs WHERE job = 'journal'").Row(&n); err != nil {
			return err
		}
		j.outside = j.outside || n != 0
		return j.refuse
	}
}

func (j *journal) noted() (n int) {
	j.t.Helper()
	if err := atomic.One(atomic.Of(j), "SELECT count(*) FROM job_runs WHERE job = 'journal'", nil, &n); err != nil {
		j.t.Fatal(err)
	}
	return n
}

func (j *journal) contact() *core.Record {
	j.t.Helper()
	r, err := j.FindRecordById(collections.Contacts, testkit.AcmeContact)
	if err != nil {
		j.t.Fatal(err)
	}
	return r
}

func (j *journal) fresh() *core.Record {
	j.t.Helper()
	c, err := j.FindCollectionByNameOrId(collections.Contacts)
	if err != nil {
		j.t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{"organization": testkit.Acme, "phone_number": "+12025550199", "name": "Nora"})
	return r
}

// changes are the three changes of a row, by the record path and by SQL.
func (j *journal) changes() map[string]func() error {
	sqlPath := func(do func(tx *sql.Tx) error) error {
		tx, err := j.NonconcurrentDB().(*dbx.DB).DB().Begin()
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
	renamed := func() *core.Record {
		r := j.contact()
		r.Set("name", "Clara")
		return r
	}
	return map[string]func() error{
		"create by record": func() error { return j.Save(j.fresh()) },
		"update by record": func() error { return j.Save(renamed()) },
		"delete by record": func() error { return j.Delete(j.contact()) },
		"create by SQL": func() error {
			r := j.fresh()
			return sqlPath(func(tx *sql.Tx) error {
				if _, err := tx.Exec(`INSERT INTO contacts (id, organization, phone_number, name, email, notes, first_seen_at,
					last_seen_at, created, updated)
					VALUES ('journalcontact0', ?, '+12025550199', 'Nora', '', '', '', '', '', '')`, testkit.Acme); err != nil {
					return err
				}
				return atomic.Run(j, tx, collections.Contacts, atomic.Created, nil, r)
			})
		},
		"update by SQL": func() error {
			before, after := j.contact(), renamed()
			return sqlPath(func(tx *sql.Tx) error {
				if _, err := tx.Exec("UPDATE contacts SET name = 'Clara' WHERE id = ?", testkit.AcmeContact); err != nil {
					return err
				}
				return atomic.Run(j, tx, collections.Contacts, atomic.Updated, before, after)
			})
		},
		"delete by SQL": func() error {
			before := j.contact()
			return sqlPath(func(tx *sql.Tx) error {
				if _, err := tx.Exec("DELETE FROM contacts WHERE id = ?", testkit.AcmeContact); err != nil {
					return err
				}
				return atomic.Run(j, tx, collections.Contacts, atomic.Deleted, before, nil)
			})
		},
	}
}

var want = map[string][]string{
	"create": {"created none→Nora"},
	"update": {"updated Cara Caller→Clara", "second"},
	"delete": {"deleted Cara Caller→none"},
}

func (j *journal) names() string {
	j.t.Helper()
	var names []string
	if err := j.ConcurrentDB().NewQuery("SELECT name FROM contacts WHERE organization = 'acme00000000000' ORDER BY name").
		Column(&names); err != nil {
		j.t.Fatal(err)
	}
	return strings.Join(names, ", ")
}

func TestOn_reacts_whichever_way_the_row_changed(t *testing.T) {
	for name := range newJournal(t).changes() {
		t.Run(name, func(t *testing.T) {
			j := newJournal(t)
			if err := j.changes()[name](); err != nil {
				t.Fatal(err)
			}
			change, _, _ := strings.Cut(name, " ")
			if !slices.Equal(j.seen, want[change]) {
				t.Errorf("got %q, want %q", j.seen, want[change])
			}
			if j.noted() != 1 {
				t.Errorf("the reaction's row is there %d times, want once", j.noted())
			}
			if j.outside {
				t.Error("the reaction's row was visible before the commit")
			}
			if got, want := j.names(), map[string]string{"create": "Cara Caller, Nora", "update": "Clara",
				"delete": ""}[change]; got != want {
				t.Errorf("got contacts %q, want %q", got, want)
			}
		})
	}
}

func TestOn_a_failing_reaction_undoes_the_change(t *testing.T) {
	for name := range newJournal(t).changes() {
		t.Run(name, func(t *testing.T) {
			j := newJournal(t)
			j.refuse = errors.New("not this one")
			err := j.changes()[name]()
			if !errors.Is(err, j.refuse) || !strings.Contains(err.Error(), "journal: note it after contacts") {
				t.Errorf("got %v, want the reaction's error with its name", err)
			}
			if got := j.names(); got != "Cara Caller" {
				t.Errorf("the change stayed: %q", got)
			}
			if j.noted() != 0 {
				t.Error("the reaction's row stayed")
			}
		})
	}
}

func TestOn_joins_the_transaction_around_it(t *testing.T) {
	j := newJournal(t)
	later := errors.New("something later fails")
	err := j.RunInTransaction(func(tx core.App) error {
		if err := tx.Save(j.fresh()); err != nil {
			return err
		}
		return later
	})
	if !errors.Is(err, later) {
		t.Fatal(err)
	}
	if got := j.names(); got != "Cara Caller" || j.noted() != 0 {
		t.Errorf("an undone transaction left contacts %q and %d notes", got, j.noted())
	}
	if len(j.seen) != 1 {
		t.Errorf("the reaction ran %d times", len(j.seen))
	}
}

// The app of a record event is the transaction only while it runs: hooks after
// the commit must not write to a finished transaction.
func TestOn_leaves_the_event_its_own_app(t *testing.T) {
	j := newJournal(t)
	wrote := errors.New("the hook did not run")
	j.OnRecordAfterUpdateSuccess(collections.Contacts).BindFunc(func(e *core.RecordEvent) error {
		_, wrote = atomic.Of(e.App).Exec("UPDATE contacts SET notes = 'after' WHERE id = ?", e.Record.Id)
		return e.Next()
	})
	if err := j.changes()["update by record"](); err != nil {
		t.Fatal(err)
	}
	if wrote != nil {
		t.Errorf("writing after the commit: %v", wrote)
	}
	if got := j.contact().GetString("notes"); got != "after" {
		t.Errorf("got notes %q", got)
	}
}

func TestReactions_lists_what_was_registered(t *testing.T) {
	j := newJournal(t)
	got := atomic.Reactions(j)
	if len(got) != 4 || got[0].Collection != collections.Contacts || got[0].When != atomic.Created ||
		got[0].Name != "journal: note it" {
		t.Errorf("got %+v", got)
	}
	for when, want := range map[atomic.When]bool{atomic.Created: true, atomic.Updated: true, atomic.Deleted: true,
		"painted": false} {
		if atomic.Any(j, collections.Contacts, when) != want {
			t.Errorf("Any says %v for %s", !want, when)
		}
	}
	if atomic.Any(j, collections.Calls, atomic.Created) {
		t.Error("Any says that something reacts to calls")
	}
}

func TestOf_speaks_to_the_transaction_and_to_the_database(t *testing.T) {
	app := testkit.New(t)
	check := func(tx atomic.Tx) error {
		var name, organization string
		if err := atomic.One(tx, "SELECT name, organization FROM contacts WHERE id = ? AND organization = ?",
			[]any{testkit.AcmeContact, testkit.Acme}, &name, &organization); err != nil {
			return err
		}
		if name != "Cara Caller" || organization != testkit.Acme {
			t.Errorf("got %q of %q", name, organization)
		}
		if err := atomic.One(tx, "SELECT name FROM contacts WHERE id = ?", []any{"nobody"}, &name); !errors.Is(err,
			sql.ErrNoRows) {
			t.Errorf("got %v, want sql.ErrNoRows", err)
		}
		r, err := tx.Exec("UPDATE contacts SET notes = ? WHERE organization = ?", "it's {:p0} ✓", testkit.Acme)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); n != 1 || err != nil {
			t.Errorf("changed %d rows, %v", n, err)
		}
		var notes string
		if err := atomic.One(tx, "SELECT notes FROM contacts WHERE id = ?", []any{testkit.AcmeContact}, &notes); err != nil ||
			notes != "it's {:p0} ✓" {
			t.Errorf("got notes %q, %v", notes, err)
		}
		return nil
	}
	if err := check(atomic.Of(app)); err != nil {
		t.Error(err)
	}
	err := app.RunInTransaction(func(tx core.App) error {
		if _, err := atomic.Of(tx).Exec("UPDATE contacts SET notes = ? WHERE id = ?", "one too few"); err == nil {
			t.Error("a missing argument was not noticed")
		}
		if _, err := atomic.Of(tx).Query("SELECT 1 WHERE 1 = ?"); err == nil {
			t.Error("a missing argument was not noticed")
		}
		return check(atomic.Of(tx))
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOn_with_watched_fields_follows_only_their_changes(t *testing.T) {
	var seen []string
	app := testkit.New(t, func(app core.App) {
		for _, when := range []atomic.When{atomic.Created, atomic.Updated, atomic.Deleted} {
			atomic.On(app, collections.Contacts, when, "follow the name", func(atomic.Tx, *core.Record, *core.Record) error {
				seen = append(seen, string(when))
				return nil
			}, "name", "email")
		}
	})
	c, err := app.FindCollectionByNameOrId(collections.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	unnamed := core.NewRecord(c)
	unnamed.Load(map[string]any{"organization": testkit.Acme, "phone_number": "+12025550198"})
	set := func(field, value string) func() error {
		return func() error {
			unnamed.Set(field, value)
			return app.Save(unnamed)
		}
	}
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"created without the field", func() error { return app.Save(unnamed) }, ""},
		{"another field", set("notes", "rings often"), ""},
		{"the field", set("name", "Una"), "updated"},
		{"the same value again", set("name", "Una"), ""},
		{"the other field", set("email", "una@example.com"), "updated"},
		{"deleted", func() error { return app.Delete(unnamed) }, "deleted"},
	} {
		seen = nil
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := strings.Join(seen, " "); got != step.want {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
	}
	for fields, want := range map[string]bool{"name": true, "notes": false, "notes,email": true, "": false} {
		if atomic.Any(app, collections.Contacts, atomic.Updated, strings.Split(fields, ",")...) != want {
			t.Errorf("Any says %v for a change of %q", !want, fields)
		}
	}
}
