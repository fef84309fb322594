package mirror

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Wait returns when the last change of the record has reached the provider or
// a try has failed, and brings the record's columns up to date: read
// sync_status. A record that is gone by then was deleted on both sides. The
// error is the context's: the change is still owed and will be made.
//
// NB! Not inside a transaction: the worker would wait for it.
func (m *Mirror) Wait(ctx context.Context, record *core.Record) error {
	about := subject(record.Collection().Name, record.Id)
	for {
		done := m.waiting.listen(about)
		over, err := m.look(record)
		if over || err != nil {
			m.waiting.leave(about, done)
			return err
		}
		if !m.outbox.Running() {
			m.waiting.leave(about, done)
			if _, err := m.outbox.Deliver(ctx); err != nil {
				return err
			}
			_, err := m.look(record)
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			m.waiting.leave(about, done)
			return ctx.Err()
		}
	}
}

// look reads the row anew and tells whether nothing is on its way.
func (m *Mirror) look(record *core.Record) (over bool, err error) {
	current, err := m.app.FindRecordById(record.Collection().Name, record.Id)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, name := range current.Collection().Fields.FieldNames() {
		record.SetRaw(name, current.GetRaw(name))
	}
	// Pending with words is in doubt: that takes minutes, and nobody waits for it. Deleting
	// with words was tried and did not succeed.
	status := current.GetString(statusField)
	owed := status == collections.SyncPending || status == collections.SyncDeleting
	return !owed || current.GetString(errorField) != "", nil
}

// waiters are those who wait for records, by what promises about one begin with.
type waiters struct {
	mu sync.Mutex
	by map[string][]chan struct{}
}

// listen is called before the record is looked at: what happens after that is not missed.
func (w *waiters) listen(about string) chan struct{} {
	done := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.by[about] = append(w.by[about], done)
	return done
}

func (w *waiters) leave(about string, done chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.by[about] = slices.DeleteFunc(w.by[about], func(c chan struct{}) bool { return c == done })
	if len(w.by[about]) == 0 {
		delete(w.by, about)
	}
}

// wake tells whoever waits for a record that a try has ended.
func (w *waiters) wake(about string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, done := range w.by[about] {
		close(done)
	}
	delete(w.by, about)
}
