// Package atomic runs a record and its consequences in one transaction: both
// are there, or neither.
//
// A domain says once, in its Register, what follows from a change of a
// collection (On). The reaction runs whichever way the row changed: through
// PocketBase's record hooks (REST, batch, documented routes, jobs), or through
// the inbox writer, whose prepared SQL fires no hooks and calls Run instead.
package atomic

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"
)

// When says which change of a row a reaction follows.
type When string

// Changes of a row.
const (
	Created When = "created"
	Updated When = "updated"
	Deleted When = "deleted"
)

// Reaction is what follows from a change. before is nil for a created row,
// after for a deleted one. An error undoes the change that caused it.
//
// NB! No HTTP here: the transaction holds the only write connection. What is
// owed to the outside is an outbox row.
type Reaction func(tx Tx, before, after *core.Record) error

// RecordReaction is a Reaction that reads and saves records, with the
// transaction's app: what follows from those saves follows too.
type RecordReaction func(tx core.App, before, after *core.Record) error

// Entry describes one reaction for docs/reactions.md.
type Entry struct {
	Collection string
	When       When
	Name       string // "usage: meter the call"
	// Watched are the fields whose change it follows; empty means any change.
	Watched []string
}

type registered struct {
	Entry
	do      Reaction
	records RecordReaction // in do's place
}

type registry struct {
	mu    sync.RWMutex
	all   []registered
	bound map[string]bool // collection + when already hooked to records
}

const storeKey = "pocketline.atomic"

func of(app core.App) *registry {
	return app.Store().GetOrSet(storeKey, func() any {
		return &registry{bound: map[string]bool{}}
	}).(*registry)
}

// On registers a reaction to a change of a collection. name says, in a few
// words, what it does; it appears in errors and in docs/reactions.md. With
// watched fields it follows only changes of those.
func On(app core.App, collection string, when When, name string, do Reaction, watched ...string) {
	register(app, registered{Entry: Entry{collection, when, name, watched}, do: do})
}

// OnRecord is On for a reaction that saves records.
//
// NB! Only for collections whose rows nobody changes with prepared SQL: Run
// has no records to give and fails.
func OnRecord(app core.App, collection string, when When, name string, do RecordReaction, watched ...string) {
	register(app, registered{Entry: Entry{collection, when, name, watched}, records: do})
}

func register(app core.App, one registered) {
	r := of(app)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
	if key := one.Collection + "/" + string(one.When); !r.bound[key] {
		r.bound[key] = true
		bind(app, one.Collection, one.When)
	}
}

// Reactions lists what was registered, in order.
func Reactions(app core.App) []Entry {
	r := of(app)
	r.mu.RLock()
	defer r.mu.RUnlock()
	entries := make([]Entry, len(r.all))
	for i, one := range r.all {
		entries[i] = one.Entry
	}
	return entries
}

// Any tells whether something reacts to a change of these fields, so that a
// caller can save itself the work of building records.
func Any(app core.App, collection string, when When, changed ...string) bool {
	r := of(app)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.ContainsFunc(r.all, func(one registered) bool {
		return one.Collection == collection && one.When == when &&
			(len(one.Watched) == 0 ||
				slices.ContainsFunc(one.Watched, func(f string) bool { return slices.Contains(changed, f) }))
	})
}

// follows tells whether a reaction is about this change.
func (one registered) follows(before, after *core.Record) bool {
	if len(one.Watched) == 0 || one.When == Deleted {
		return true
	}
	return slices.ContainsFunc(one.Watched, func(f string) bool {
		if before == nil {
			return after.GetString(f) != ""
		}
		return before.GetString(f) != after.GetString(f)
	})
}

// Run runs the reactions to a change that was made with SQL in tx. It returns
// the first error; the caller then rolls back.
func Run(app core.App, tx Tx, collection string, when When, before, after *core.Record) error {
	return run(app, collection, when, before, after, func(one registered) error {
		if one.records != nil {
			return errNeedsRecords
		}
		return one.do(tx, before, after)
	})
}

var errNeedsRecords = errors.New("this reaction saves records; change the row as one")

func run(app core.App, collection string, when When, before, after *core.Record, do func(registered) error) error {
	r := of(app)
	r.mu.RLock()
	all := r.all
	r.mu.RUnlock()
	for _, one := range all {
		if one.Collection != collection || one.When != when || !one.follows(before, after) {
			continue
		}
		if err := do(one); err != nil {
			return fmt.Errorf("%s after %s %s: %w", one.Name, collection, when, err)
		}
	}
	return nil
}

// bind hooks the record path of one change: the record is saved and its
// reactions run in one transaction.
func bind(app core.App, collection string, when When) {
	handler := func(e *core.RecordEvent) error {
		outer := e.App
		defer func() { e.App = outer }()
		return outer.RunInTransaction(func(tx core.App) error {
			e.App = tx
			var before *core.Record
			if when != Created {
				before = stored(tx, e.Record)
			}
			if err := e.Next(); err != nil {
				return err
			}
			after := e.Record
			if when == Deleted {
				after = nil
			}
			return run(outer, collection, when, before, after, func(one registered) error {
				if one.records != nil {
					return one.records(tx, before, after)
				}
				return one.do(Of(tx), before, after)
			})
		})
	}
	switch when {
	case Created:
		app.OnRecordCreate(collection).BindFunc(handler)
	case Updated:
		app.OnRecordUpdate(collection).BindFunc(handler)
	case Deleted:
		app.OnRecordDelete(collection).BindFunc(handler)
	}
}

// stored reads the row as it is before a change.
//
// NB! Record.Original tells how a record was loaded, not how it was last saved:
// of a record that is saved twice it is too old.
func stored(tx core.App, r *core.Record) *core.Record {
	id, _ := r.LastSavedPK().(string)
	before, err := tx.FindRecordById(r.Collection(), id)
	if err != nil {
		return r.Original() // the save fails by itself, or nothing is there to save
	}
	return before
}
