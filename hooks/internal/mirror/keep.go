package mirror

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// maxError fits the column.
	maxError = 900
	// releaseChunk is how many rows let go of a deleted one in one transaction.
	releaseChunk = 500
)

// keep is the outbox handler: it makes the provider's copy what the row says
// now. The outbox runs it for one record at a time.
func (m *Mirror) keep(ctx context.Context, row outbox.Row) error {
	var p promise
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	r, known := m.resources[p.Collection]
	if !known {
		return outbox.Dead(fmt.Errorf("%q is not mirrored", p.Collection))
	}
	defer m.settled(p.Collection, p.Record)
	if p.Gone != nil {
		if held, err := m.held(nil); err != nil || held {
			return errors.Join(err, outbox.In(heldWait, errHeld))
		}
		return m.remove(ctx, r, p)
	}
	record, err := m.app.FindRecordById(p.Collection, p.Record)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil // deleted since; what is owed then has its own promise
	case err != nil:
		return err
	}
	held, err := m.held(record)
	switch {
	case err != nil:
		return err
	case held:
		return m.failed(r, record, errHeld)
	case record.GetString(statusField) == collections.SyncDeleting:
		return m.finish(ctx, r, record)
	case r.skip(record):
		return m.withdraw(ctx, r, record)
	}
	return m.push(ctx, r, record)
}

// push creates or changes the copy.
func (m *Mirror) push(ctx context.Context, r Resource, record *core.Record) error {
	before := record.Clone()
	if record.GetString(r.IDField) == "" {
		return m.create(ctx, r, before, record)
	}
	doubtful := record.GetString(hashField)
	left, _ := unclearOf(doubtful, m.now())
	_, err := r.Push(ctx, record)
	switch {
	case err == nil && left > 0:
		// It is as it should be, unless the change before comes after all.
		record.Set(hashField, doubtful)
		if err := m.store(r, before, record); err != nil {
			return err
		}
		return outbox.In(left, errors.New("sent again when a change without an answer cannot come any more"))
	case err == nil:
		return m.store(r, before, record)
	case r.judge(err).Verdict != Missing:
		if noted := m.doubt(r, record, err); noted != nil {
			return errors.Join(err, noted)
		}
		return m.failed(r, record, err)
	}
	// Somebody removed the copy at the provider: make it again.
	if err := m.forget(r, record.Id); err != nil {
		return err
	}
	record.Set(r.IDField, "")
	record.Set(hashField, "")
	return m.create(ctx, r, before, record)
}

// forget drops the id of a copy that is no more.
func (m *Mirror) forget(r Resource, id string) error {
	_, err := atomic.Of(m.app).Exec(`UPDATE `+r.Collection+` SET sync_hash = '', `+r.IDField+` = '' WHERE id = ?`, id)
	if err != nil {
		return fmt.Errorf("forget the copy of %s %s: %w", r.Collection, id, err)
	}
	return nil
}

// store writes what a push came to into the row as it is now. before is the
// row as it was pushed, after the same with what the push set.
func (m *Mirror) store(r Resource, before, after *core.Record) error {
	if err := m.write(r, before, after); err != nil {
		return m.unstored(r, after, err)
	}
	return nil
}

func (m *Mirror) write(r Resource, before, after *core.Record) error {
	return m.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(r.Collection, after.Id)
		if errors.Is(err, sql.ErrNoRows) {
			// Deleted during the push, when nobody knew the copy's id.
			return m.promise(atomic.Of(tx), promise{Collection: r.Collection, Record: after.Id,
				ProviderID: after.GetString(r.IDField), Gone: after.PublicExport()}, after.GetString("organization"))
		}
		if err != nil {
			return err
		}
		changed := differ(r.Fields, before, current)
		for _, name := range after.Collection().Fields.FieldNames() {
			if !slices.Contains(never, name) && !same(before.Get(name), after.Get(name)) {
				current.Set(name, after.Get(name))
			}
		}
		// The row in the database carries the mark, the pushed one a new hash.
		current.Set(hashField, after.GetString(hashField))
		current.Set(errorField, "")
		current.Set(syncedField, types.NowDateTime())
		switch {
		case current.GetString(statusField) == collections.SyncDeleting:
		case changed: // during the push: that change has its own promise
			current.Set(statusField, collections.SyncPending)
		default:
			current.Set(statusField, collections.SyncSynced)
		}
		return m.save(tx, current)
	})
}

// never are columns a push does not write.
var never = []string{"id", "organization", "created", "updated", statusField, errorField, syncedField, hashField}

// failed writes the provider's words into the row and tells the outbox what to
// do next.
func (m *Mirror) failed(r Resource, record *core.Record, failure error) error {
	err := m.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(r.Collection, record.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if current.GetString(statusField) != collections.SyncDeleting {
			status := collections.SyncFailed
			if late, ok := failure.(*awaited); ok && late != nil {
				status = collections.SyncPending // nothing failed: it is not known yet
			}
			current.Set(statusField, status)
		}
		current.Set(errorField, words(failure))
		return m.save(tx, current)
	})
	if err != nil {
		return errors.Join(failure, err)
	}
	return r.next(failure)
}

// unstored tells of what the provider did while the row could not be written:
// the copy's id and the words are the least that must stand there. The promise
// stays open, and the job mirror.retry keeps it.
func (m *Mirror) unstored(r Resource, record *core.Record, cause error) error {
	failure := fmt.Errorf("The phone provider did what was asked, but it could not be stored here. It is tried again by itself: %w.", cause)
	m.app.Logger().Error("the provider's copy is ahead of its row",
		"collection", r.Collection, "record", record.Id, "error", cause)
	_, err := atomic.Of(m.app).Exec(`UPDATE `+r.Collection+` SET `+r.IDField+` = ?, sync_hash = '', sync_error = ?,
		sync_status = CASE sync_status WHEN ? THEN ? ELSE ? END WHERE id = ?`,
		record.GetString(r.IDField), words(failure),
		collections.SyncDeleting, collections.SyncDeleting, collections.SyncFailed, record.Id)
	return errors.Join(failure, err)
}

// finish removes the copy of a row that is being deleted, then the row.
func (m *Mirror) finish(ctx context.Context, r Resource, record *core.Record) error {
	if intended(r, record) {
		if err := m.settle(ctx, r, record); err != nil {
			return m.failed(r, record, err)
		}
	}
	if err := m.discard(ctx, r, record.GetString(r.IDField)); err != nil {
		return m.failed(r, record, err)
	}
	if err := m.release(record); err != nil {
		return err
	}
	key := r.Collection + "/" + record.Id
	m.dropping.Store(key, true)
	defer m.dropping.Delete(key)
	if err := m.app.Delete(record); err != nil {
		return m.failed(r, record, fmt.Errorf("delete the row: %w", err))
	}
	return nil
}

// withdraw removes the copy of a row that shall have none any more.
func (m *Mirror) withdraw(ctx context.Context, r Resource, record *core.Record) error {
	if intended(r, record) {
		if err := m.settle(ctx, r, record); err != nil {
			return m.failed(r, record, err)
		}
	}
	if err := m.discard(ctx, r, record.GetString(r.IDField)); err != nil {
		if noted := m.doubt(r, record, err); noted != nil { // it may be wanted again before that
			return errors.Join(err, noted)
		}
		return m.failed(r, record, err)
	}
	record.Set(r.IDField, "")
	err := m.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(r.Collection, record.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range []string{r.IDField, hashField, errorField} {
			current.Set(name, "")
		}
		if current.GetString(statusField) != collections.SyncDeleting {
			current.Set(statusField, "")
			if !r.skip(current) { // changed its mind during the request
				current.Set(statusField, collections.SyncPending)
			}
		}
		return m.save(tx, current)
	})
	if err != nil {
		return m.unstored(r, record, err)
	}
	return nil
}

// remove removes the copy of a row that no longer exists.
func (m *Mirror) remove(ctx context.Context, r Resource, p promise) error {
	id := p.ProviderID
	if id == "" {
		c, err := m.app.FindCachedCollectionByNameOrId(r.Collection)
		if err != nil {
			return err
		}
		record := core.NewRecord(c)
		record.Load(p.Gone)
		record.Id = p.Record
		record.SetRaw("created", parsed(p.Gone["created"])) // Load leaves automatic dates alone
		if id, err = m.find(ctx, r, record); err != nil {
			return r.next(err)
		}
		if since, marked := intentOf(p.Mark); id == "" && marked {
			if wait, coming := nextLook(since, m.now()); coming {
				return r.next(&awaited{wait: wait})
			}
		}
	}
	if err := m.discard(ctx, r, id); err != nil {
		return r.next(err)
	}
	return nil
}

func parsed(value any) types.DateTime {
	at, err := types.ParseDateTime(value)
	if err != nil {
		return types.DateTime{} // Find then looks everywhere
	}
	return at
}

// discard deletes a copy; one the provider does not know is gone.
func (m *Mirror) discard(ctx context.Context, r Resource, id string) error {
	if id == "" {
		return nil
	}
	if err := r.Delete(ctx, id); err != nil && r.judge(err).Verdict != Missing {
		return err
	}
	return nil
}

// release makes the rows of large collections let go of a row before it is
// deleted. PocketBase would do so row by row in one transaction, and every
// other writer would wait.
func (m *Mirror) release(record *core.Record) error {
	references, err := m.app.FindCachedCollectionReferences(record.Collection())
	if err != nil {
		return fmt.Errorf("references to %s: %w", record.Collection().Name, err)
	}
	for c, fields := range references {
		if !slices.Contains(collections.Ordered, c.Name) {
			continue
		}
		for _, f := range fields {
			relation, ok := f.(*core.RelationField)
			if !ok || relation.IsMultiple() || relation.Required || relation.CascadeDelete {
				continue
			}
			for {
				result, err := atomic.Of(m.app).Exec(`UPDATE `+c.Name+` SET `+relation.Name+` = '' WHERE id IN
					(SELECT id FROM `+c.Name+` WHERE `+relation.Name+` = ? LIMIT ?)`, record.Id, releaseChunk)
				if err != nil {
					return fmt.Errorf("release %s of %s: %w", relation.Name, c.Name, err)
				}
				if n, err := result.RowsAffected(); err != nil || n < releaseChunk {
					if err != nil {
						return err
					}
					break
				}
			}
		}
	}
	return nil
}

// words are an error as the person who made the change shall read it.
func words(err error) string {
	text := []rune(sealed.Redact(err.Error()))
	if len(text) > maxError {
		text = append(text[:maxError], '…')
	}
	return string(text)
}
