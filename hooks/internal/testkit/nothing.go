package testkit

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

// Written are the tables of what is written down of whoever was refused.
var Written = []string{collections.AuditLogs, collections.AuditChains}

// sight is the database as it was before a request: a reader's transaction that
// began then. What was written since is looked for only when somebody asks.
type sight struct {
	t     testing.TB
	files *sql.DB

	mu      sync.Mutex
	was     *sql.Tx
	watch   *sql.Conn // asked for the version only: what others write makes another of it
	version int
}

// open opens a connection of its own on the app's database.
func open(t testing.TB, app *tests.TestApp) *sight {
	t.Helper()
	db, err := database.Connect(filepath.Join(app.DataDir(), "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &sight{t: t, files: db.DB()}
	t.Cleanup(func() {
		s.let()
		if s.watch != nil {
			_ = s.watch.Close() // it only read
		}
		db.Close()
	})
	return s
}

// versioned is the version of the database: another number when anybody wrote since it
// was asked for.
func (s *sight) versioned() (n int) {
	s.t.Helper()
	var err error
	if s.watch == nil {
		if s.watch, err = s.files.Conn(context.Background()); err != nil {
			s.t.Fatal(err)
		}
	}
	if err = s.watch.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// let goes of what was held. A reader in the way keeps the product from dropping what
// the log holds, so nothing is held longer than somebody may ask.
func (s *sight) let() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
}

// hold keeps the database as it is now in sight.
func (s *sight) hold() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.version = s.versioned()
	var err error
	if s.was, err = s.files.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true}); err != nil {
		s.t.Fatal(err)
	}
	var n int
	if err := s.was.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&n); err != nil { // it begins by reading
		s.t.Fatal(err)
	}
}

func (s *sight) end() {
	if s.was != nil {
		_ = s.was.Rollback() // it only read
		s.was = nil
	}
}

// changed are the tables that are not as they were, with their numbers of rows.
func (s *sight) changed() (found []string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.was == nil {
		s.t.Fatal("testkit: the last request was not refused")
	}
	if s.versioned() == s.version {
		return nil
	}
	before, after := tablesOf(s.t, s.was), tablesOf(s.t, s.files)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, is := before[name], after[name]; was != is {
			found = append(found, fmt.Sprintf("%s (%d rows, then %d)", name, was.rows, is.rows))
		}
	}
	return found
}

// tally is what a table holds: how many rows, and a sum over all of their values,
// whatever their order.
type tally struct {
	rows int
	sum  uint64
}

var seed = maphash.MakeSeed()

// reader reads, in a transaction or not.
type reader interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// ordinary are the tables, without what searches make of other tables' rows.
const ordinary = `SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'
	AND name NOT LIKE '%\_words\_%' ESCAPE '\'`

// seen are columns that tell when and from where somebody was last there: whoever asks
// is seen, whatever the answer.
var seen = map[string][]string{
	collections.Sessions: {"last_seen_at"}, collections.APIKeys: {"last_used_at", "last_used_ip"},
}

// tablesOf reads every table.
func tablesOf(t testing.TB, db reader) map[string]tally {
	t.Helper()
	all := map[string]tally{}
	each(t, db, ordinary, func(_ []string, cells []any) { all[fmt.Sprint(cells[0])] = tally{} })
	for name := range all {
		var found tally
		each(t, db, "SELECT * FROM ["+name+"]", func(columns []string, cells []any) {
			for i, column := range columns {
				if slices.Contains(seen[name], column) {
					cells[i] = nil
				}
			}
			found.rows++
			found.sum += maphash.String(seed, fmt.Sprintf("%q", cells))
		})
		all[name] = found
	}
	return all
}

// each reads the rows of a query.
func each(t testing.TB, db reader, query string, do func(columns []string, cells []any)) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		do(names, cells)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
