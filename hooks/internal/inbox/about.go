package inbox

import (
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Event is a stored message by its key.
type Event struct{ Provider, Key string }

const (
	// A row that holds nothing but its key, or what stands for others.
	insertRow = `INSERT INTO provider_events
		(id, organization, provider, event_key, type, status, payload, error, attempts, next_at, created, updated)
		VALUES (?, ?, ?, ?, ?, 'packed', ?, '', 0, '', ?, ?)`
	insertOnce = insertRow + ` ON CONFLICT DO NOTHING`
)

// Bury leaves a mark with this key: what it names was deleted and is not to be
// taken in again. Twice is the same as once.
func (e Event) Bury(tx atomic.Tx, organization string, now time.Time) error {
	_, err := tx.Exec(insertOnce, collections.NewID(now), organization, e.Provider, e.Key, collections.EventDeleted,
		"", rows.Stamp(now), rows.Stamp(now))
	return e.wrap("bury", err)
}

// There tells whether a message, or the mark that it was erased, is there.
func (e Event) There(tx atomic.Tx) (bool, error) {
	var one int
	err := atomic.One(tx, `SELECT 1 FROM provider_events WHERE provider = ? AND event_key = ?`,
		[]any{e.Provider, e.Key}, &one)
	return one == 1, rows.IgnoreMissing(err)
}

func (e Event) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("inbox: %s %s: %w", what, e.Key, err)
}

// Subject is what messages are about, a call: their keys begin with its id and a
// colon.
type Subject struct{ Provider, ID string }

// A subject's messages lie between its id with ":" and with ";", the next sign.
const (
	dropAbout = `DELETE FROM provider_events WHERE provider = ? AND event_key > ? AND event_key < ? AND event_key != ?`
	dropRead  = `DELETE FROM provider_events WHERE provider = ? AND event_key > ? AND event_key < ?
		AND status IN ('applied', 'packed') AND type != 'deleted'`
	cutAbout = `UPDATE provider_events SET type = 'deleted', status = 'packed', payload = '', error = '', next_at = ''
		WHERE provider = ? AND event_key > ? AND event_key < ? AND type != 'deleted'`
)

// Drop deletes the messages about s, but for the one with this key.
func (s Subject) Drop(tx atomic.Tx, but string) error {
	_, err := tx.Exec(dropAbout, s.Provider, s.ID+":", s.ID+";", but)
	return s.wrap("drop", err)
}

// Cut leaves of the messages about s their keys.
func (s Subject) Cut(tx atomic.Tx) error {
	_, err := tx.Exec(cutAbout, s.Provider, s.ID+":", s.ID+";")
	return s.wrap("cut", err)
}

// Pack puts one row with this key and payload in the place of the messages about s
// that were applied. The keys of late ones stay.
func (s Subject) Pack(tx atomic.Tx, organization, key, payload string, now time.Time) error {
	if _, err := tx.Exec(dropRead, s.Provider, s.ID+":", s.ID+";"); err != nil {
		return s.wrap("pack", err)
	}
	_, err := tx.Exec(insertRow, collections.NewID(now), organization, s.Provider, key, collections.EventPacked,
		payload, rows.Stamp(now), rows.Stamp(now))
	return s.wrap("pack", err)
}

func (s Subject) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("inbox: %s what came of %s: %w", what, s.ID, err)
}
