package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// refusedPause is how long a refused change rests before it is tried again
// without being asked: what the provider refuses may be mended there, a key or
// a payment.
const refusedPause = 6 * time.Hour

// page is how many rows the comparison reads at a time.
const page = 200

// retry is POST /api/sync/{collection}/{id}/retry: whoever may change the row
// may have its copy made equal now. The answer is 202 {"sync_status"}.
func (m *Mirror) retry(e *core.RequestEvent) error {
	if e.Auth == nil {
		return refusal.Of("unauthorized")
	}
	k, known := m.kinds[e.Request.PathValue("collection")]
	if !known {
		return refusal.Of("not_found/copy")
	}
	record, err := e.App.FindRecordById(k.Collection, e.Request.PathValue("id"))
	if err != nil {
		return e.NotFoundError("", err)
	}
	info, err := e.RequestInfo()
	if err != nil {
		return e.BadRequestError("", err)
	}
	if ok, err := e.App.CanAccessRecord(record, info, record.Collection().ViewRule); !ok {
		return e.NotFoundError("", err)
	}
	if ok, err := e.App.CanAccessRecord(record, info, record.Collection().UpdateRule); !ok {
		return refusal.Of("forbidden/change").For(err)
	}
	if err := tenant.Admit(e, record.GetString("organization")); err != nil {
		return err
	}
	if err := k.again(record.Id); err != nil {
		return refusal.Of("internal/retry").For(err)
	}
	if _, err := m.look(record); err != nil {
		return e.InternalServerError("", err)
	}
	return e.JSON(http.StatusAccepted, map[string]string{"sync_status": record.GetString(statusField)})
}

// again makes sure that a promise about the record is due now.
func (k *kept) again(id string) error {
	return k.app.RunInTransaction(func(app core.App) error {
		tx := atomic.Of(app)
		waiting, err := k.outbox.Hurry(tx, subject(k.Collection, id))
		if err != nil {
			return err
		}
		record, err := app.FindRecordById(k.Collection, id)
		if err != nil {
			return err
		}
		status := record.GetString(statusField)
		if status == "" || status == collections.SyncSynced {
			return nil
		}
		if status == collections.SyncFailed || record.GetString(errorField) != "" {
			if status != collections.SyncDeleting {
				record.Set(statusField, collections.SyncPending)
			}
			record.Set(errorField, "")
			if err := k.save(app, record); err != nil {
				return err
			}
		}
		if waiting > 0 {
			return nil
		}
		// What is being tried began before: its failure would put off what was asked for now.
		return k.promise(tx, promise{Collection: k.Collection, Record: id}, record.GetString("organization"))
	})
}

// Schedule adds the job mirror.retry: rows that are not equal to their copy and
// have no promise get one, promises that wait are made due (the provider may be
// back long before the next try), and once per process every row is compared
// with what was last sent. What a restore holds (installation.go) is passed over.
//
// It also adds the job mirror.sweep (sweep.go).
func (m *Mirror) Schedule(s *schedule.Scheduler) {
	m.scheduleSweep(s)
	s.Add(schedule.Job{ID: "mirror.retry", Spec: "*/5 * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		var failures error
		for _, name := range m.order {
			n, err := m.kinds[name].retryAll(ctx)
			r.Add(n)
			failures = errors.Join(failures, err)
		}
		// A command-line process may have other settings than the server.
		if !m.serving.Load() || m.compared.Load() {
			return failures
		}
		for _, name := range m.order {
			n, err := m.kinds[name].compare(ctx)
			r.Add(n)
			failures = errors.Join(failures, err)
		}
		m.compared.Store(failures == nil)
		return failures
	}})
}

func (k *kept) retryAll(ctx context.Context) (n int, err error) {
	i, moved, err := k.Installation.origin()
	if err != nil || moved {
		return 0, err // everything there is waits for the server to start
	}
	var owed []struct {
		ID      string `db:"id"`
		Refused bool   `db:"refused"`
	}
	query := k.app.DB().Select("id", "([["+statusField+"]] != '"+collections.SyncPending+"' AND [["+errorField+
		"]] != '') AS refused").
		From(k.Collection).
		Where(dbx.In(statusField, collections.SyncPending, collections.SyncFailed, collections.SyncDeleting))
	if i.Held { // what is held waits for the operator, and is told so once
		query.AndWhere(dbx.NewExp("(created > {:restored} OR [["+errorField+"]] != {:told})",
			dbx.Params{"restored": rows.Stamp(i.Restored), "told": words(&heldBack{k.Called})}))
	}
	err = query.OrderBy("id").WithContext(ctx).All(&owed)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", k.Collection, err)
	}
	for _, row := range owed {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		// What the row wants now was not refused unless it says so.
		if row.Refused {
			died, usedUp, err := k.outbox.Died(atomic.Of(k.app), subject(k.Collection, row.ID))
			if err != nil {
				return n, err
			}
			if !usedUp && k.now().Sub(died) < refusedPause {
				// Refused a while ago; only a newer promise is worth a hurry.
				if _, err := k.outbox.Hurry(atomic.Of(k.app), subject(k.Collection, row.ID)); err != nil {
					return n, err
				}
				continue
			}
		}
		if err := k.again(row.ID); err != nil {
			return n, fmt.Errorf("%s %s: %w", k.Collection, row.ID, err)
		}
		n++
	}
	return n, nil
}

// compare finds rows whose copy was made under other settings.
func (k *kept) compare(ctx context.Context) (n int, err error) {
	unknown, failure := 0, error(nil)
	defer func() {
		if unknown > 0 {
			k.app.Logger().Warn("records cannot be compared with their copies", "collection", k.Collection, "records",
				unknown, "error", failure)
		}
	}()
	for after := ""; ; {
		found, err := k.app.FindRecordsByFilter(k.Collection, "sync_status = {:synced} && id > {:after}", "id", page, 0,
			dbx.Params{"synced": collections.SyncSynced, "after": after})
		if err != nil {
			return n, fmt.Errorf("%s: %w", k.Collection, err)
		}
		for _, record := range found {
			if err := ctx.Err(); err != nil {
				return n, err
			}
			after = record.Id
			hash, err := k.hash(record)
			if err != nil {
				unknown, failure = unknown+1, err
				continue
			}
			if hash == record.GetString(hashField) {
				continue
			}
			if err := k.Touch(atomic.Of(k.app), k.Collection, record.Id); err != nil {
				return n, err
			}
			n++
		}
		if len(found) < page {
			return n, nil
		}
	}
}
