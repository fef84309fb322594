package mirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// last makes our delete hook run after the domain's own, which may refuse.
const last = 50

// bind hooks one collection.
func (k *kept) bind() {
	app := k.app
	app.OnRecordUpdateRequest(k.Collection).BindFunc(func(e *core.RecordRequestEvent) error {
		if e.Record.Original().GetString(statusField) == collections.SyncDeleting {
			return refusal.Of("being_deleted")
		}
		return e.Next()
	})
	app.OnRecordCreate(k.Collection).BindFunc(func(e *core.RecordEvent) error {
		k.beforeCreate(e.Record)
		return e.Next()
	})
	app.OnRecordUpdate(k.Collection).BindFunc(func(e *core.RecordEvent) error {
		// The worker writes this row too: a save must not put old columns back.
		e.Record.IgnoreUnchangedFields(true)
		if !k.isOwn(e.Record) && k.owes(e.Record.Original(), e.Record) {
			e.Record.Set(statusField, collections.SyncPending)
			e.Record.Set(errorField, "")
		}
		return e.Next()
	})
	atomic.On(app, k.Collection, atomic.Created, "mirror: owe the provider's copy",
		func(tx atomic.Tx, _, after *core.Record) error {
			if after.GetString(statusField) != collections.SyncPending {
				return nil
			}
			return k.promise(tx, promise{Collection: k.Collection, Record: after.Id}, after.GetString("organization"))
		})
	atomic.On(app, k.Collection, atomic.Updated, "mirror: owe the change to the provider's copy",
		func(tx atomic.Tx, before, after *core.Record) error { return k.afterUpdate(tx, before, after) })
	atomic.On(app, k.Collection, atomic.Deleted, "mirror: owe the removal of the provider's copy",
		func(tx atomic.Tx, before, _ *core.Record) error { return k.afterDelete(tx, before) })
	app.OnRecordDeleteRequest(k.Collection).Bind(&hook.Handler[*core.RecordRequestEvent]{
		Priority: last,
		Func:     func(e *core.RecordRequestEvent) error { return k.deleteRequest(e) },
	})
}

func (k *kept) beforeCreate(record *core.Record) {
	switch {
	case record.GetString(k.IDField) != "" && record.GetString(statusField) == collections.SyncSynced:
		// Trusted code says that the copy exists: an import, a fixture.
	case k.skip(record):
		record.Set(statusField, "")
	default:
		record.Set(statusField, collections.SyncPending)
		record.Set(errorField, "")
		record.Set(hashField, "")
	}
}

// owes tells whether this change of a record is one its copy must follow.
func (k *kept) owes(before, after *core.Record) bool {
	if after.GetString(statusField) == collections.SyncDeleting ||
		before.GetString(statusField) == collections.SyncDeleting {
		return false
	}
	if k.skip(after) {
		return after.GetString(k.IDField) != "" // it had a copy: take it away
	}
	return k.skip(before) || differ(k.Fields, before, after) || after.GetString(statusField) == collections.SyncPending
}

func (k *kept) afterUpdate(tx atomic.Tx, before, after *core.Record) error {
	if k.isOwn(after) || !k.owes(before, after) {
		return nil
	}
	// The save left the column alone when the record was loaded as pending; the
	// worker may have moved it on since.
	if _, err := tx.Exec(`UPDATE `+k.Collection+` SET sync_status = ? WHERE id = ? AND sync_status != ?`,
		collections.SyncPending, after.Id, collections.SyncDeleting); err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	return k.promise(tx, promise{Collection: k.Collection, Record: after.Id}, after.GetString("organization"))
}

// afterDelete follows a row that went without waiting for the provider: a
// cascade, a program. Its copy must not stay behind.
func (k *kept) afterDelete(tx atomic.Tx, before *core.Record) error {
	if _, agreed := k.dropping.Load(k.Collection + "/" + before.Id); agreed {
		return nil
	}
	id := before.GetString(k.IDField)
	if id == "" && !k.intended(before) {
		return nil
	}
	p := promise{Collection: k.Collection, Record: before.Id, ProviderID: id, Gone: before.PublicExport()}
	if id == "" {
		p.Mark = before.GetString(hashField)
	}
	return k.promise(tx, p, before.GetString("organization"))
}

// deleteRequest turns a row with a copy into one that is being deleted. Only a
// row that never had one goes at once.
func (k *kept) deleteRequest(e *core.RecordRequestEvent) error {
	atOnce := false
	err := e.App.RunInTransaction(func(tx core.App) error {
		current, err := database.Found(tx.FindRecordById(k.Collection, e.Record.Id))
		if err != nil {
			return err
		}
		if current == nil || deleting(current) && !deleting(e.Record) {
			return router.NewNotFoundError("", nil) // somebody else deleted it meanwhile
		}
		atOnce = current.GetString(k.IDField) == "" && !k.intended(current)
		if atOnce && k.skip(current) {
			return nil
		}
		// From here on the worker creates no copy of this row any more.
		current.Set(statusField, collections.SyncDeleting)
		current.Set(errorField, "")
		if err := k.save(tx, current); err != nil || atOnce {
			return err
		}
		return k.promise(atomic.Of(tx), promise{Collection: k.Collection, Record: current.Id},
			current.GetString("organization"))
	})
	if _, gone := errors.AsType[*router.ApiError](err); gone {
		return err
	} else if err != nil {
		return refusal.Of("internal/deletion").For(err)
	}
	if !atOnce {
		return e.NoContent(http.StatusNoContent)
	}
	if err := e.Next(); err != nil {
		// The row stays, so its copy is owed again.
		if undo := k.restore(e.App, e.Record.Id); undo != nil {
			e.App.Logger().Error("a row stays marked as being deleted", "collection", k.Collection, "record",
				e.Record.Id, "error", undo)
		}
		return err
	}
	return nil
}

func deleting(row *core.Record) bool { return row.GetString(statusField) == collections.SyncDeleting }

func (k *kept) restore(app core.App, id string) error {
	return app.RunInTransaction(func(txApp core.App) error {
		tx := atomic.Of(txApp)
		if _, err := tx.Exec(`UPDATE `+k.Collection+` SET sync_status = ? WHERE id = ? AND sync_status = ?`,
			collections.SyncFailed, id, collections.SyncDeleting); err != nil {
			return err
		}
		return k.Touch(tx, k.Collection, id)
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
