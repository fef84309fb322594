package outbox

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// State is a promise as it is stored.
type State struct {
	Row
	// Status is one of collections.OutboxPending, …Running, …Done and …Dead.
	Status string
	// Until is when its next try is due, or when it was over.
	Until time.Time
}

const stateColumns = ` id, organization, kind, [key], payload, status, attempts, next_at `

// Last is the promise with the highest key that begins with prefix, nil without one.
// prefix ends in a colon.
func (o *Outbox) Last(tx atomic.Tx, prefix string) (*State, error) {
	from, to := span(prefix)
	s, err := state(tx, `SELECT`+stateColumns+`FROM outbox WHERE [key] >= ? AND [key] < ? ORDER BY [key] DESC LIMIT 1`,
		from, to)
	if err != nil {
		return nil, fmt.Errorf("outbox: last of %s: %w", prefix, err)
	}
	return s, nil
}

// Extend stores another payload of a promise: what change makes of the one it has,
// nil leaves it. tx is a transaction, so that a promise which is pending is not
// begun in between. A promise that is gone is left alone.
func (o *Outbox) Extend(tx atomic.Tx, id string, change func(s State) (payload any, err error)) error {
	s, err := state(tx, `SELECT`+stateColumns+`FROM outbox WHERE id = ?`, id)
	if err != nil || s == nil {
		return wrap("extend", id, err)
	}
	payload, err := change(*s)
	if err != nil || payload == nil {
		return err
	}
	text, err := encode(s.Key, payload)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE outbox SET payload = ? WHERE id = ?`, text, id)
	return wrap("extend", id, err)
}

// state reads one promise, nil when there is none.
func state(tx atomic.Tx, query string, args ...any) (*State, error) {
	var s State
	var payload, next string
	err := atomic.One(tx, query, args, &s.ID, &s.Organization, &s.Kind, &s.Key, &payload, &s.Status, &s.Attempt, &next)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	until, err := types.ParseDateTime(next)
	s.Payload, s.Until = json.RawMessage(payload), until.Time()
	return &s, err
}

func wrap(doing, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("outbox: %s %s: %w", doing, what, err)
}
