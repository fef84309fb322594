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
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// maxError fits the column.
	maxError = 900
	// releaseChunk is how many rows let go of a deleted one in one transaction.
	releaseChunk = 500
)

// deliver is the outbox handler. The outbox runs it for one record at a time.
func (m *Mirror) deliver(ctx context.Context, row outbox.Row) error {
	var p promise
	if err := row.Decode(&p); err != nil {
		return outbox.Dead(err)
	}
	k, known := m.kinds[p.Collection]
	if !known {
		return outbox.Dead(fmt.Errorf("%q is not mirrored", p.Collection))
	}
	defer m.waiting.wake(subject(p.Collection, p.Record))
	return k.keep(ctx, p)
}

// keep makes the provider's copy of a row what the row says now.
func (k *kept) keep(ctx context.Context, p promise) error {
	if p.Gone != nil {
		held, err := k.Installation.held(nil)
		switch {
		case err != nil:
			return err
		case held:
			return k.next(&heldBack{k.Called})
		}
		return k.remove(ctx, p)
	}
	record, err := k.app.FindRecordById(p.Collection, p.Record)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil // deleted since; what is owed then has its own promise
	case err != nil:
		return err
	}
	held, err := k.Installation.held(record)
	switch {
	case err != nil:
		return err
	case held:
		return k.failed(record, &heldBack{k.Called})
	case record.GetString(statusField) == collections.SyncDeleting:
		return k.finish(ctx, record)
	case k.skip(record):
		return k.withdraw(ctx, record)
	}
	return k.push(ctx, record)
}

// send makes the copy equal to the record, and tells its id.
func (k *kept) send(ctx context.Context, record *core.Record) (providerID string, err error) {
	mark, err := k.mark(record)
	if err != nil {
		return "", err
	}
	return k.Copy.push(ctx, record, mark)
}

// hash is what sync_hash would say if all of the record were sent now.
func (k *kept) hash(record *core.Record) (string, error) {
	mark, err := k.mark(record)
	if err != nil {
		return "", err
	}
	_, hash, err := k.diff(record, mark)
	return hash, err
}

// push creates or changes the copy.
func (k *kept) push(ctx context.Context, record *core.Record) error {
	before := record.Clone()
	if record.GetString(k.IDField) == "" {
		return k.create(ctx, before, record)
	}
	doubtful := record.GetString(hashField)
	left, _ := unclearOf(doubtful, k.now())
	_, err := k.send(ctx, record)
	switch {
	case err == nil && left > 0:
		// It is as it should be, unless the change before comes after all.
		record.Set(hashField, doubtful)
		if err := k.store(before, record); err != nil {
			return err
		}
		return outbox.In(left, errors.New("sent again when a change without an answer cannot come any more"))
	case err == nil:
		return k.store(before, record)
	case k.judge(err).Verdict != Missing:
		if noted := k.doubt(record, err); noted != nil {
			return errors.Join(err, noted)
		}
		return k.failed(record, err)
	}
	// Somebody removed the copy at the provider: make it again.
	if err := k.forget(record.Id); err != nil {
		return err
	}
	record.Set(k.IDField, "")
	record.Set(hashField, "")
	return k.create(ctx, before, record)
}

// forget drops the id of a copy that is no more.
func (k *kept) forget(id string) error {
	_, err := atomic.Of(k.app).Exec(`UPDATE `+k.Collection+` SET sync_hash = '', `+k.IDField+` = '' WHERE id = ?`, id)
	if err != nil {
		return fmt.Errorf("forget the copy of %s %s: %w", k.Collection, id, err)
	}
	return nil
}

// store writes what a push came to into the row as it is now. before is the
// row as it was pushed, after the same with what the push set.
func (k *kept) store(before, after *core.Record) error {
	if err := k.write(before, after); err != nil {
		return k.unstored(after, err)
	}
	return nil
}

func (k *kept) write(before, after *core.Record) error {
	return k.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(k.Collection, after.Id)
		if errors.Is(err, sql.ErrNoRows) {
			// Deleted during the push, when nobody knew the copy's id.
			return k.promise(atomic.Of(tx), promise{Collection: k.Collection, Record: after.Id,
				ProviderID: after.GetString(k.IDField), Gone: after.PublicExport()}, after.GetString("organization"))
		}
		if err != nil {
			return err
		}
		changed := differ(k.Fields, before, current)
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
		return k.save(tx, current)
	})
}

// never are columns a push does not write.
var never = []string{"id", "organization", "created", "updated", statusField, errorField, syncedField, hashField}

// failed writes the provider's words into the row and tells the outbox what to
// do next.
func (k *kept) failed(record *core.Record, failure error) error {
	err := k.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(k.Collection, record.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		deleting := current.GetString(statusField) == collections.SyncDeleting
		if deleting && record.GetString(statusField) != collections.SyncDeleting {
			return nil // since it was tried: its words would be taken for the deletion's
		}
		if !deleting {
			status := collections.SyncFailed
			switch failure.(type) {
			case *awaited, *heldBack:
				status = collections.SyncPending // nothing failed: it is not known yet, or not wanted yet
			}
			current.Set(statusField, status)
		}
		current.Set(errorField, words(failure))
		return k.save(tx, current)
	})
	if err != nil {
		return errors.Join(failure, err)
	}
	return k.next(failure)
}

// unstored tells of what the provider did while the row could not be written:
// the copy's id and the words are the least that must stand there. The promise
// stays open, and the job mirror.retry keeps it.
func (k *kept) unstored(record *core.Record, cause error) error {
	failure := fmt.Errorf("What was asked was done at %s, but it could not be stored here. It is tried again by itself: %w.",
		k.Called, cause)
	k.app.Logger().Error("the provider's copy is ahead of its row",
		"collection", k.Collection, "record", record.Id, "error", cause)
	_, err := atomic.Of(k.app).Exec(`UPDATE `+k.Collection+` SET `+k.IDField+` = ?, sync_hash = '', sync_error = ?,
		sync_status = CASE sync_status WHEN ? THEN ? ELSE ? END WHERE id = ?`,
		record.GetString(k.IDField), words(failure),
		collections.SyncDeleting, collections.SyncDeleting, collections.SyncFailed, record.Id)
	return errors.Join(failure, err)
}

// finish removes the copy of a row that is being deleted, then the row.
func (k *kept) finish(ctx context.Context, record *core.Record) error {
	if k.intended(record) {
		if err := k.settle(ctx, record); err != nil {
			return k.failed(record, err)
		}
	}
	if err := k.discard(ctx, record.GetString(k.IDField)); err != nil {
		return k.failed(record, err)
	}
	if err := k.release(record); err != nil {
		return err
	}
	key := k.Collection + "/" + record.Id
	k.dropping.Store(key, true)
	defer k.dropping.Delete(key)
	if err := k.app.Delete(record); err != nil {
		return k.failed(record, fmt.Errorf("delete the row: %w", err))
	}
	return nil
}

// withdraw removes the copy of a row that shall have none any more.
func (k *kept) withdraw(ctx context.Context, record *core.Record) error {
	if k.intended(record) {
		if err := k.settle(ctx, record); err != nil {
			return k.failed(record, err)
		}
	}
	if err := k.discard(ctx, record.GetString(k.IDField)); err != nil {
		if noted := k.doubt(record, err); noted != nil { // it may be wanted again before that
			return errors.Join(err, noted)
		}
		return k.failed(record, err)
	}
	record.Set(k.IDField, "")
	err := k.app.RunInTransaction(func(tx core.App) error {
		current, err := tx.FindRecordById(k.Collection, record.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range []string{k.IDField, hashField, errorField} {
			current.Set(name, "")
		}
		if current.GetString(statusField) != collections.SyncDeleting {
			current.Set(statusField, "")
			if !k.skip(current) { // changed its mind during the request
				current.Set(statusField, collections.SyncPending)
			}
		}
		return k.save(tx, current)
	})
	if err != nil {
		return k.unstored(record, err)
	}
	return nil
}

// remove removes the copy of a row that no longer exists.
func (k *kept) remove(ctx context.Context, p promise) error {
	id := p.ProviderID
	if id == "" {
		c, err := k.app.FindCachedCollectionByNameOrId(k.Collection)
		if err != nil {
			return err
		}
		record := core.NewRecord(c)
		record.Load(p.Gone)
		record.Id = p.Record
		record.SetRaw("created", parsed(p.Gone["created"])) // Load leaves automatic dates alone
		if id, err = k.find(ctx, record); err != nil {
			return k.next(err)
		}
		if since, marked := intentOf(p.Mark); id == "" && marked {
			if wait, coming := nextLook(since, k.now()); coming {
				return k.next(&awaited{provider: k.Called, wait: wait})
			}
		}
	}
	if err := k.discard(ctx, id); err != nil {
		return k.next(err)
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
func (k *kept) discard(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	if err := k.Delete(ctx, id); err != nil && k.judge(err).Verdict != Missing {
		return err
	}
	return nil
}

// release makes the rows of large collections let go of a row before it is
// deleted. PocketBase would do so row by row in one transaction, and every
// other writer would wait.
func (k *kept) release(record *core.Record) error {
	references, err := k.app.FindCachedCollectionReferences(record.Collection())
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
				result, err := atomic.Of(k.app).Exec(`UPDATE `+c.Name+` SET `+relation.Name+` = '' WHERE id IN
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
	return rows.Shorten(sealed.Redact(err.Error()), maxError)
}
