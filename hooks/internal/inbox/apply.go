package inbox

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
)

// DateLayout is how PocketBase stores instants.
const DateLayout = "2006-01-02 15:04:05.000Z"

// Date writes an instant as PocketBase stores it; the zero instant is empty.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(DateLayout)
}

// Tx is the writer's transaction. Its statements are prepared once and kept.
type Tx struct {
	*sql.Tx
	kept map[string]*sql.Stmt // prepared on the connection, for all transactions
	held map[string]*sql.Stmt // bound to this transaction

	memory *memory
	last   []gathered
}

// Prepared returns the query as a statement of this transaction.
//
// A statement the writer has not kept yet is prepared for this transaction
// only; the writer keeps it afterwards, because while a transaction is open the
// only write connection is taken.
func (tx *Tx) Prepared(query string) (*sql.Stmt, error) {
	if s, ok := tx.held[query]; ok {
		return s, nil
	}
	var s *sql.Stmt
	if kept := tx.kept[query]; kept != nil {
		s = tx.Tx.Stmt(kept)
	} else {
		var err error
		if s, err = tx.Tx.Prepare(query); err != nil {
			return nil, err
		}
	}
	tx.held[query] = s
	return s, nil
}

// Exec runs a prepared statement.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	s, err := tx.Prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

// Query runs a prepared query.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := tx.Prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// Get runs a prepared query for one row.
func (tx *Tx) Get(query string, args []any, dest ...any) error {
	s, err := tx.Prepared(query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(dest...)
}

const (
	insertEvent = `INSERT INTO provider_events
		(id, organization, provider, event_key, type, status, payload, answer, error, attempts, next_at, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0, '', ?, ?) ON CONFLICT DO NOTHING`
	selectAnswer = `SELECT answer FROM provider_events WHERE provider = ? AND event_key = ?`
	failEvent    = `UPDATE provider_events SET status = ?, error = ?, next_at = ?, attempts = attempts + 1 WHERE provider = ? AND event_key = ?`
)

// FirstRetry is when a message that failed to apply is tried again.
const FirstRetry = 30 * time.Second

// one stores and applies one message. In a careful transaction a failing apply
// is undone to its savepoint and noted on the stored message.
func (i *Inbox) one(tx *Tx, j *job, careful bool) error {
	if j.message.Key != "" {
		fresh, err := i.insert(tx, j)
		if err != nil || !fresh {
			return err
		}
	}
	if j.apply == nil {
		return nil
	}
	if !careful {
		var err error
		j.after, err = j.apply(tx)
		return err
	}
	if _, err := tx.Tx.Exec("SAVEPOINT message"); err != nil {
		return err
	}
	if j.after, j.failure = guard(j.apply, tx); j.failure != nil {
		j.after = nil
		tx.last = nil // what came before was written with its own message
		clear(tx.memory.facts)
		if _, err := tx.Tx.Exec("ROLLBACK TO message"); err != nil {
			return err
		}
		if j.message.Key != "" {
			m := j.message
			next := Date(m.ReceivedAt.Add(FirstRetry))
			if _, err := tx.Exec(failEvent, collections.EventErrored, clip(j.failure.Error(), 500), next, m.Provider, m.Key); err != nil {
				return err
			}
			i.app.Logger().Warn("provider message stored but not applied", "provider", m.Provider, "type", m.Type, "error", j.failure)
		}
	}
	_, err := tx.Tx.Exec("RELEASE message")
	return err
}

// insert stores a message; fresh tells that it is to be applied.
func (i *Inbox) insert(tx *Tx, j *job) (fresh bool, err error) {
	m := j.message
	status, gone := collections.EventApplied, false
	if m.Organization == "" || m.Parked {
		status = collections.EventParked
	}
	if m.Gone != nil {
		if gone, err = m.Gone(tx); err != nil {
			return false, err
		}
	}
	if gone { // never written, not even to be written over: the log of the database would have it
		m.Type, m.Payload, m.Answer, status = collections.EventDeleted, nil, nil, collections.EventPacked
	}
	now := Date(m.ReceivedAt)
	result, err := tx.Exec(insertEvent, collections.NewID(m.ReceivedAt), m.Organization, m.Provider, m.Key, m.Type, status,
		string(m.Payload), string(m.Answer), now, now)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return n > 0 && !gone, err
	}
	j.result.Duplicate = true
	var answer string
	if err := tx.Get(selectAnswer, []any{m.Provider, m.Key}, &answer); err != nil {
		return false, err
	}
	if answer != "" {
		j.result.Answer = []byte(answer)
	}
	return false, nil
}

// guard turns a panic of apply into its error, so that a message nobody thought
// of cannot take the writer down.
func guard(apply Apply, tx *Tx) (after func(), err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if after, err = apply(tx); err != nil {
		return nil, err
	}
	return after, tx.Flush()
}

func clip(s string, max int) string {
	if len(s) > max {
		return strings.ToValidUTF8(s[:max], "")
	}
	return s
}
