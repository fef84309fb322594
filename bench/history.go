package main

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"time"
)

const (
	// seededMost is how large a database `seed` writes whole; a larger one
	// repeats its rows, which takes a fifth of the time.
	seededMost = 20_000
	// spread, eachCommit and callers are as in `seed`: over how many days calls
	// are spread, how many one transaction holds, and of how many numbers the
	// caller's is drawn.
	spread     = 365 * 24 * time.Hour
	eachCommit = 10_000
	callers    = 10_000
	// reportsEach is how many reports one statement writes, as in `seed`: the
	// search index writes a piece of itself whenever a statement begins.
	reportsEach = 500

	dateLayout = "2006-01-02 15:04:05.000Z" // PocketBase's
)

// repeat gives one organization the calls of another again and again, moved in
// time, until it has that many. So their rows are the product's own (calls,
// reports, contacts; a trigger keeps the search index), and like the product's
// they are written oldest first with ids that sort by time. Only ids, times and
// the caller's number are new. The file is 3 % smaller: `seed` touches a call and
// a contact again after it wrote them, which leaves gaps.
func repeat(dir, from, to string, calls int) error {
	db, err := openAlone(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	t, err := readTemplate(db, from)
	if err != nil {
		return err
	}
	r := t.repeater(to, callers, true)
	when := spreadOver(calls)
	if err := t.write(db, calls, func(n int) error { return r.add(n, when(n)) }); err != nil {
		return err
	}
	return r.close(db)
}

// spreadOver says when each of so many calls began, the last one about now.
func spreadOver(calls int) func(n int) time.Time {
	begin, random := time.Now().Add(-spread), mathrand.New(mathrand.NewPCG(1, 13))
	return func(n int) time.Time {
		return begin.Add(time.Duration((float64(n) + random.Float64()*0.9) / float64(calls) * float64(spread)))
	}
}

// openAlone opens a file that nobody else uses and that is thrown away when the
// filling fails: without a journal and without waiting for the disk. What is
// written is the same; openFile goes back to the journal of the product.
func openAlone(dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite",
		filepath.Join(dir, "data.db")+
			"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-400000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// table is rows to repeat, with all their columns.
type table struct {
	name    string
	columns map[string]int
	rows    [][]any
	insert  *sql.Stmt
}

func readTable(db *sql.DB, name, organization, order string) (*table, error) {
	rows, err := db.Query("SELECT * FROM "+name+" WHERE organization = ? ORDER BY "+order, organization)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	t := &table{name: name, columns: map[string]int{}}
	for i, n := range names {
		t.columns[n] = i
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		t.rows = append(t.rows, values)
	}
	return t, rows.Err()
}

// prepare makes the statement that inserts one row into a table of that shape.
func (t *table) prepare(tx *sql.Tx, into string) (err error) {
	names := make([]string, len(t.columns))
	for name, i := range t.columns {
		names[i] = "`" + name + "`"
	}
	t.insert, err = tx.Prepare("INSERT INTO " + into + " (" + strings.Join(names, ", ") + ") VALUES (?" +
		strings.Repeat(", ?", len(names)-1) + ")")
	return err
}

// add writes one of the rows again with other values in some columns.
func (t *table) add(row int, changes map[string]any) error {
	values := make([]any, len(t.columns))
	copy(values, t.rows[row])
	for name, value := range changes {
		values[t.columns[name]] = value
	}
	if _, err := t.insert.Exec(values...); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	return nil
}

// moved is a time of a row, a while later; an empty one stays empty.
func (t *table) moved(row int, column string, by time.Duration) (string, error) {
	text, ok := t.rows[row][t.columns[column]].(string)
	if !ok || text == "" {
		return "", nil
	}
	was, err := time.Parse(dateLayout, text)
	if err != nil {
		return "", err
	}
	return was.Add(by).Format(dateLayout), nil
}

// template is an organization's calls; reports are in the order of their calls.
type template struct {
	calls, reports, contacts *table
	position                 int64 // of the last report: the search index's row
}

func readTemplate(db *sql.DB, organization string) (*template, error) {
	var t template
	var errs [5]error
	_, errs[4] = db.Exec("CREATE TABLE " + waiting + " AS SELECT * FROM call_reports LIMIT 0")
	t.calls, errs[0] = readTable(db, "calls", organization, "id")
	t.reports, errs[1] = readTable(db, "call_reports", organization, "call")
	t.contacts, errs[2] = readTable(db, "contacts", organization, "id")
	errs[3] = db.QueryRow("SELECT max(position) FROM call_reports").Scan(&t.position)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if len(t.calls.rows) == 0 || len(t.contacts.rows) == 0 || len(t.calls.rows) != len(t.reports.rows) {
		return nil, fmt.Errorf("%d calls with %d reports of %d contacts cannot be repeated", len(t.calls.rows),
			len(t.reports.rows), len(t.contacts.rows))
	}
	return &t, nil
}

// write adds so many calls, some thousand in a transaction.
func (t *template) write(db *sql.DB, calls int, add func(n int) error) error {
	for done := 0; done < calls; {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		n := min(eachCommit, calls-done)
		if err := t.batch(tx, done, n, add); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		done += n
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (t *template) batch(tx *sql.Tx, done, n int, add func(n int) error) error {
	if err := errors.Join(t.calls.prepare(tx, "calls"), t.reports.prepare(tx, waiting),
		t.contacts.prepare(tx, "contacts")); err != nil {
		return err
	}
	for i := range n {
		if err := add(done + i); err != nil {
			return err
		}
		if (i+1)%reportsEach > 0 && i+1 < n {
			continue
		}
		for _, statement := range []string{"INSERT INTO call_reports SELECT * FROM " + waiting + " ORDER BY position",
			"DELETE FROM " + waiting} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
	}
	return nil
}

// waiting is where reports are until they are inserted together.
const waiting = "temp.waiting"

// repeater fills one organization.
type repeater struct {
	*template
	to      string
	callers int
	report  bool // calls have their reports
	random  *mathrand.Rand
	known   map[string]*known
}

// known is a contact of the organization that is filled.
type known struct{ id, seen string }

func (t *template) repeater(to string, callers int, report bool) *repeater {
	return &repeater{template: t, to: to, callers: callers, report: report, random: mathrand.New(mathrand.NewPCG(1, 12)),
		known: map[string]*known{}}
}

// add writes the template's n-th call; after the last comes the first again.
func (r *repeater) add(n int, at time.Time) error {
	row := n % len(r.calls.rows)
	was, err := time.Parse(dateLayout, r.calls.rows[row][r.calls.columns["started_at"]].(string))
	if err != nil {
		return err
	}
	stamp, number, id := at.UTC().Format(dateLayout), fmt.Sprintf("+1415555%04d", r.random.IntN(r.callers)), newID(at)
	contact := r.known[number]
	if contact == nil {
		contact = &known{id: newID(at)}
		r.known[number] = contact
		if err := r.contacts.add(r.random.IntN(len(r.contacts.rows)), map[string]any{
			"id": contact.id, "organization": r.to, "phone_number": number, "first_seen_at": stamp, "last_seen_at": stamp,
			"created": stamp, "updated": stamp,
		}); err != nil {
			return err
		}
	}
	contact.seen = stamp
	answered, err1 := r.calls.moved(row, "answered_at", at.Sub(was))
	ended, err2 := r.calls.moved(row, "ended_at", at.Sub(was))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := r.calls.add(row, map[string]any{
		"id": id, "organization": r.to, "caller_number": number, "contact": contact.id,
		"started_at": stamp, "answered_at": answered, "ended_at": ended, "created": stamp, "updated": stamp,
	}); err != nil {
		return err
	}
	if !r.report {
		return nil
	}
	r.position++
	return r.reports.add(row, map[string]any{
		"id": newID(at), "organization": r.to, "call": id, "position": r.position, "created": stamp, "updated": stamp,
	})
}

// close says when each contact was last heard of.
func (r *repeater) close(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to undo after the commit
	update, err := tx.Prepare("UPDATE contacts SET last_seen_at = ? WHERE id = ?")
	if err != nil {
		return err
	}
	for c := range maps.Values(r.known) {
		if _, err := update.Exec(c.seen, c.id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// newID is an id as the product makes them for calls: ten base-36 characters of
// the time in microseconds, five random ones.
func newID(at time.Time) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	var id [15]byte
	for i, n := 9, uint64(at.UnixMicro()); i >= 0; i, n = i-1, n/36 {
		id[i] = alphabet[n%36]
	}
	rand.Read(id[10:]) // never fails (crypto/rand)
	for i := 10; i < len(id); i++ {
		id[i] = alphabet[int(id[i])%36]
	}
	return string(id[:])
}
