package mirror

import (
	"context"
	"database/sql"
	"errors"
	"slices"

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
	collection, id := record.Collection().Name, record.Id
	for tried := false; ; tried = true {
		done := m.listen(collection, id)
		over, err := m.look(record)
		// A deletion that was tried and did not succeed stays "deleting".
		over = over || tried && record.GetString(statusField) == collections.SyncDeleting
		if over || err != nil {
			m.leave(collection, id, done)
			return err
		}
		if !m.outbox.Running() {
			m.leave(collection, id, done)
			if _, err := m.outbox.Deliver(ctx); err != nil {
				return err
			}
			_, err := m.look(record)
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			m.leave(collection, id, done)
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
	status := current.GetString(statusField)
	// Pending with words is in doubt: that takes minutes, and nobody waits for it.
	owed := status == collections.SyncPending && current.GetString(errorField) == ""
	return !owed && status != collections.SyncDeleting, nil
}

func (m *Mirror) listen(collection, id string) chan struct{} {
	done := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	key := subject(collection, id)
	m.waiting[key] = append(m.waiting[key], done)
	return done
}

func (m *Mirror) leave(collection, id string, done chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := subject(collection, id)
	m.waiting[key] = slices.DeleteFunc(m.waiting[key], func(c chan struct{}) bool { return c == done })
	if len(m.waiting[key]) == 0 {
		delete(m.waiting, key)
	}
}

// settled wakes whoever waits for a record.
func (m *Mirror) settled(collection, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := subject(collection, id)
	for _, done := range m.waiting[key] {
		close(done)
	}
	delete(m.waiting, key)
}
