package mirror

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// last makes our delete hook run after the domain's own, which may refuse.
const last = 50

// bind hooks one collection.
func (m *Mirror) bind(r Resource) {
	app := m.app
	app.OnRecordUpdateRequest(r.Collection).BindFunc(func(e *core.RecordRequestEvent) error {
		if e.Record.Original().GetString(statusField) == collections.SyncDeleting {
			return e.BadRequestError("This is being deleted and cannot be changed any more.", nil)
		}
		return e.Next()
	})
	app.OnRecordCreate(r.Collection).BindFunc(func(e *core.RecordEvent) error {
		m.beforeCreate(r, e.Record)
		return e.Next()
	})
	app.OnRecordUpdate(r.Collection).BindFunc(func(e *core.RecordEvent) error {
		// The worker writes this row too: a save must not put old columns back.
		e.Record.IgnoreUnchangedFields(true)
		if !m.isOwn(e.Record) && m.owes(r, e.Record.Original(), e.Record) {
			e.Record.Set(statusField, collections.SyncPending)
			e.Record.Set(errorField, "")
		}
		return e.Next()
	})
	atomic.On(app, r.Collection, atomic.Created, "mirror: owe the provider's copy", func(tx atomic.Tx, _, after *core.Record) error {
		if after.GetString(statusField) != collections.SyncPending {
			return nil
		}
		return m.promise(tx, promise{Collection: r.Collection, Record: after.Id}, after.GetString("organization"))
	})
	atomic.On(app, r.Collection, atomic.Updated, "mirror: owe the change to the provider's copy",
		func(tx atomic.Tx, before, after *core.Record) error { return m.afterUpdate(tx, r, before, after) })
	atomic.On(app, r.Collection, atomic.Deleted, "mirror: owe the removal of the provider's copy",
		func(tx atomic.Tx, before, _ *core.Record) error { return m.afterDelete(tx, r, before) })
	app.OnRecordDeleteRequest(r.Collection).Bind(&hook.Handler[*core.RecordRequestEvent]{
		Priority: last,
		Func:     func(e *core.RecordRequestEvent) error { return m.deleteRequest(r, e) },
	})
}

func (m *Mirror) beforeCreate(r Resource, record *core.Record) {
	switch {
	case record.GetString(r.IDField) != "" && record.GetString(statusField) == collections.SyncSynced:
		// Trusted code says that the copy exists: an import, a fixture.
	case r.skip(record):
		record.Set(statusField, "")
	default:
		record.Set(statusField, collections.SyncPending)
		record.Set(errorField, "")
		record.Set(hashField, "")
	}
}

// owes tells whether this change of a record is one its copy must follow.
func (m *Mirror) owes(r Resource, before, after *core.Record) bool {
	if after.GetString(statusField) == collections.SyncDeleting || before.GetString(statusField) == collections.SyncDeleting {
		return false
	}
	if r.skip(after) {
		return after.GetString(r.IDField) != "" // it had a copy: take it away
	}
	return r.skip(before) || differ(r.Fields, before, after) || after.GetString(statusField) == collections.SyncPending
}

func (m *Mirror) afterUpdate(tx atomic.Tx, r Resource, before, after *core.Record) error {
	if m.isOwn(after) || !m.owes(r, before, after) {
		return nil
	}
	// The save left the column alone when the record was loaded as pending; the
	// worker may have moved it on since.
	if _, err := tx.Exec(`UPDATE `+r.Collection+` SET sync_status = ? WHERE id = ? AND sync_status != ?`,
		collections.SyncPending, after.Id, collections.SyncDeleting); err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	return m.promise(tx, promise{Collection: r.Collection, Record: after.Id}, after.GetString("organization"))
}

// afterDelete follows a row that went without waiting for the provider: a
// cascade, a program. Its copy must not stay behind.
func (m *Mirror) afterDelete(tx atomic.Tx, r Resource, before *core.Record) error {
	if _, agreed := m.dropping.Load(r.Collection + "/" + before.Id); agreed {
		return nil
	}
	id := before.GetString(r.IDField)
	if id == "" && !intended(r, before) {
		return nil
	}
	p := promise{Collection: r.Collection, Record: before.Id, ProviderID: id, Gone: before.PublicExport()}
	if id == "" {
		p.Mark = before.GetString(hashField)
	}
	return m.promise(tx, p, before.GetString("organization"))
}

// deleteRequest turns a row with a copy into one that is being deleted. Only a
// row that never had one goes at once.
func (m *Mirror) deleteRequest(r Resource, e *core.RecordRequestEvent) error {
	atOnce := false
	err := e.App.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(r.Collection, e.Record.Id)
		if err != nil {
			return err
		}
		atOnce = current.GetString(r.IDField) == "" && !intended(r, current)
		if atOnce && r.skip(current) {
			return nil
		}
		// From here on the worker creates no copy of this row any more.
		current.Set(statusField, collections.SyncDeleting)
		current.Set(errorField, "")
		if err := m.save(tx, current); err != nil || atOnce {
			return err
		}
		return m.promise(atomic.Of(tx), promise{Collection: r.Collection, Record: current.Id}, current.GetString("organization"))
	})
	if err != nil {
		return e.InternalServerError("The deletion could not be stored.", err)
	}
	if !atOnce {
		return e.NoContent(http.StatusNoContent)
	}
	if err := e.Next(); err != nil {
		// The row stays, so its copy is owed again.
		if undo := m.restore(e.App, r, e.Record.Id); undo != nil {
			e.App.Logger().Error("a row stays marked as being deleted", "collection", r.Collection, "record", e.Record.Id, "error", undo)
		}
		return err
	}
	return nil
}

func (m *Mirror) restore(app core.App, r Resource, id string) error {
	return app.RunInTransaction(func(txApp core.App) error {
		tx := atomic.Of(txApp)
		if _, err := tx.Exec(`UPDATE `+r.Collection+` SET sync_status = ? WHERE id = ? AND sync_status = ?`,
			collections.SyncFailed, id, collections.SyncDeleting); err != nil {
			return err
		}
		return m.Touch(tx, r.Collection, id)
	})
}

// save stores a record on behalf of the mirror: only what changed, and whatever
// the collection's rules for people's input have become since.
func (m *Mirror) save(app core.App, record *core.Record) error {
	m.saving.Store(record, true)
	defer m.saving.Delete(record)
	return app.SaveNoValidate(record)
}

func (m *Mirror) isOwn(record *core.Record) bool {
	_, own := m.saving.Load(record)
	return own
}

// differ tells whether one of the columns is not the same in both records.
func differ(fields []string, a, b *core.Record) bool {
	for _, name := range fields {
		if !same(a.Get(name), b.Get(name)) {
			return true
		}
	}
	return false
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
