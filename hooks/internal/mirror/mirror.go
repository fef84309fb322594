// Package mirror keeps a provider's copy of a record equal to the record.
//
// A domain says in a Copy what the copies of its rows shall be and which requests make,
// change, remove and list them; the provider is nobody in particular.
//
// The row is the truth. A change of it writes, in the same transaction, a
// promise to the outbox; the worker then reads the row as it is by that time
// and makes the copy equal. So a burst of changes costs one request, the order
// of tries does not matter, and nothing waits for the provider with a lock held.
//
// What people see is the column sync_status: pending → synced, or failed with
// the provider's words in sync_error (tried again by itself), or deleting: a
// deleted row stays visible until the provider agreed; that it does not know
// the copy counts as agreed.
//
// No copy is made twice. Before a create the row is marked with the time. Whoever
// finds a marked row without a provider's id, because a process died or an
// answer was lost, looks at the provider for the copy, several times, until it
// would have come (settle.go); only then one is made again. The mark goes with
// the copy's id, or with the provider's clear no to the only create there was.
package mirror

import (
	"fmt"
	"slices"
	"sync"
	syncatomic "sync/atomic"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
)

// kind is the outbox kind of all promises of this package.
const kind = "mirror"

// The columns collections.mirrored adds.
const (
	statusField = "sync_status"
	errorField  = "sync_error"
	syncedField = "synced_at"
	hashField   = "sync_hash"
)

// Mirror holds the mirrored collections. Make one with New.
type Mirror struct {
	// Installation is who we are at the provider.
	Installation *Installation

	app    core.App
	outbox *outbox.Outbox
	now    func() time.Time

	kinds    map[string]*kept // by collection
	order    []string         // of the collections
	dropping sync.Map         // "collection/id" of rows whose copy is gone for sure
	saving   sync.Map         // records this package is saving: its own hooks let them pass
	waiting  waiters
	serving  syncatomic.Bool
	compared syncatomic.Bool
}

// kept is one collection whose rows have copies.
type kept struct {
	*Mirror
	Copy
}

// Option shapes a Mirror.
type Option func(*Mirror)

// WithClock replaces the clock, for tests.
func WithClock(now func() time.Time) Option { return func(m *Mirror) { m.now = now } }

// New returns a mirror that delivers through o.
func New(app core.App, o *outbox.Outbox, options ...Option) *Mirror {
	m := &Mirror{app: app, outbox: o, now: time.Now, kinds: map[string]*kept{}}
	m.waiting.by = map[string][]chan struct{}{}
	for _, option := range options {
		option(m)
	}
	m.Installation = &Installation{app: app, now: m.now, confirmed: func() { o.Answers(collections.ProviderVapi) }}
	m.Installation.bind()
	o.Handle(kind, outbox.Kind{Serial: true, Provider: collections.ProviderVapi}, m.deliver)
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		m.serving.Store(true)
		e.Router.POST("/api/sync/{collection}/{id}/retry", m.retry)
		return e.Next()
	})
	return m
}

// Add mirrors a collection from now on. It is called once per collection, in a
// domain's Register.
func (m *Mirror) Add(c Copy) {
	if !c.complete() {
		panic(fmt.Sprintf("mirror: the copy of %q is incomplete", c.Collection))
	}
	if _, twice := m.kinds[c.Collection]; twice {
		panic(fmt.Sprintf("mirror: %q is mirrored already", c.Collection))
	}
	k := &kept{m, c}
	m.kinds[c.Collection] = k
	m.order = append(m.order, c.Collection)
	k.bind()
}

// Touch makes the copy of a record equal again although the record did not
// change: something it is made of did. It does nothing for records that have no
// copy or are being deleted.
func (m *Mirror) Touch(tx atomic.Tx, collection, id string) error {
	if !slices.Contains(m.order, collection) {
		return fmt.Errorf("mirror: %q is not mirrored", collection)
	}
	result, err := tx.Exec(`UPDATE `+collection+
		` SET sync_status = ?, sync_error = '' WHERE id = ? AND sync_status IN (?, ?, ?)`,
		collections.SyncPending, id, collections.SyncPending, collections.SyncSynced, collections.SyncFailed)
	if err != nil {
		return fmt.Errorf("mirror: touch %s %s: %w", collection, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return m.promise(tx, promise{Collection: collection, Record: id}, "")
}

// Check makes the copy of a synced record equal again whatever we believe of it,
// and makes it when it is gone: somebody met it in another state.
func (m *Mirror) Check(tx atomic.Tx, collection, id string) error {
	if !slices.Contains(m.order, collection) {
		return fmt.Errorf("mirror: %q is not mirrored", collection)
	}
	// A hash of nothing: all is sent, and yet it is not a copy's first time.
	result, err := tx.Exec(`UPDATE `+collection+` SET sync_hash = ?, sync_status = ? WHERE id = ? AND sync_status = ?`,
		hashVersion, collections.SyncPending, id, collections.SyncSynced)
	if err != nil {
		return fmt.Errorf("mirror: check %s %s: %w", collection, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err // what is not synced has a promise already
	}
	return m.promise(tx, promise{Collection: collection, Record: id}, "")
}

// promise is the payload of an outbox row.
type promise struct {
	Collection string `json:"collection"`
	Record     string `json:"record"`
	// Gone is set for rows that no longer exist: what they were.
	Gone map[string]any `json:"gone,omitempty"`
	// ProviderID is the copy of such a row, when it is known.
	ProviderID string `json:"provider_id,omitempty"`
	// Mark is what such a row had in sync_hash, when its copy is not known.
	Mark string `json:"mark,omitempty"`
}

func (m *Mirror) promise(tx atomic.Tx, p promise, organization string) error {
	return m.outbox.Add(tx, outbox.Row{
		Organization: organization, Kind: kind,
		// The version is the moment: each promise means "as it is by then".
		Key:     subject(p.Collection, p.Record) + collections.NewID(m.now()),
		Payload: p,
	})
}

// subject begins the keys of all promises about one record, which are
// therefore kept one at a time.
func subject(collection, record string) string { return collection + ":" + record + ":" }
