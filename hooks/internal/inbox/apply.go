package inbox

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Tx is the writer's transaction. Its statements are prepared once and kept.
type Tx struct {
	*sql.Tx
	kept map[string]*sql.Stmt // prepared on the connection, for all transactions
	held map[string]*sql.Stmt // bound to this transaction

	memory *memory
	last   []gathered
	writes int
}

// Writes counts the statements of the transaction that may have written: two
// readings tell whether anything did in between.
func (tx *Tx) Writes() int { return tx.writes }

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
	tx.writes++
	s, err := tx.Prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

// Query runs a prepared query.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if !strings.HasPrefix(query, "SELECT ") {
		tx.writes++
	}
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
		(id, organization, provider, event_key, type, status, payload, last, error, attempts, next_at, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?) ON CONFLICT DO NOTHING`
	failEvent = `UPDATE provider_events SET status = ?, error = ?, next_at = ?, attempts = attempts + 1 WHERE provider = ? AND event_key = ?`
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
			next := rows.Stamp(m.ReceivedAt.Add(FirstRetry))
			if _, err := tx.Exec(failEvent, collections.EventErrored, rows.Clip(j.failure.Error(), 500), next,
				m.Provider, m.Key); err != nil {
				return err
			}
			i.app.Logger().Warn("provider message stored but not applied", "provider", m.Provider, "type", m.Type,
				"error", j.failure)
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
		m.Type, m.Payload, m.Last, m.Why, status = collections.EventDeleted, nil, false, "", collections.EventPacked
	}
	now := rows.Stamp(m.ReceivedAt)
	result, err := tx.Exec(insertEvent, collections.NewID(m.ReceivedAt), m.Organization, m.Provider, m.Key, m.Type, status,
		string(m.Payload), m.Last, m.Why, now, now)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return n > 0 && !gone, err
	}
	j.result.Duplicate = true
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
