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
		return e.UnauthorizedError("Sign in first.", nil)
	}
	r, known := m.resources[e.Request.PathValue("collection")]
	if !known {
		return e.NotFoundError("There is nothing of this kind to send to a provider.", nil)
	}
	record, err := e.App.FindRecordById(r.Collection, e.Request.PathValue("id"))
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
		return e.ForbiddenError("You may not change this.", err)
	}
	if err := tenant.Admit(e, record.GetString("organization")); err != nil {
		return err
	}
	if err := m.again(r, record.Id); err != nil {
		return e.InternalServerError("The retry could not be stored.", err)
	}
	if _, err := m.look(record); err != nil {
		return e.InternalServerError("", err)
	}
	return e.JSON(http.StatusAccepted, map[string]string{"sync_status": record.GetString(statusField)})
}

// again makes sure that a promise about the record is due now.
func (m *Mirror) again(r Resource, id string) error {
	return m.app.RunInTransaction(func(app core.App) error {
		tx := atomic.Of(app)
		open, err := m.outbox.Hurry(tx, subject(r.Collection, id))
		if err != nil {
			return err
		}
		record, err := app.FindRecordById(r.Collection, id)
		if err != nil {
			return err
		}
		status := record.GetString(statusField)
		if status == "" || status == collections.SyncSynced {
			return nil
		}
		if status == collections.SyncFailed || status == collections.SyncPending && record.GetString(errorField) != "" {
			record.Set(statusField, collections.SyncPending)
			record.Set(errorField, "")
			if err := m.save(app, record); err != nil {
				return err
			}
		}
		if open > 0 {
			return nil
		}
		return m.promise(tx, promise{Collection: r.Collection, Record: id}, record.GetString("organization"))
	})
}

// Schedule adds the job mirror.retry: rows that are not equal to their copy and
// have no promise get one, promises that wait are made due (the provider may be
// back long before the next try), and once per process every row is compared
// with what was last sent.
//
// It also adds the job mirror.sweep (sweep.go).
func (m *Mirror) Schedule(s *schedule.Scheduler) {
	m.scheduleSweep(s)
	s.Add(schedule.Job{ID: "mirror.retry", Spec: "*/5 * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		var failures error
		for _, name := range m.order {
			n, err := m.retryAll(ctx, m.resources[name])
			r.Add(n)
			failures = errors.Join(failures, err)
		}
		// A command-line process may have other settings than the server.
		if !m.serving.Load() || m.compared.Load() {
			return failures
		}
		for _, name := range m.order {
			n, err := m.compare(ctx, m.resources[name])
			r.Add(n)
			failures = errors.Join(failures, err)
		}
		m.compared.Store(failures == nil)
		return failures
	}})
}

func (m *Mirror) retryAll(ctx context.Context, r Resource) (n int, err error) {
	var ids []string
	err = m.app.DB().Select("id").From(r.Collection).
		Where(dbx.In(statusField, collections.SyncPending, collections.SyncFailed, collections.SyncDeleting)).
		OrderBy("id").WithContext(ctx).Column(&ids)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.Collection, err)
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		died, usedUp, err := m.outbox.Died(atomic.Of(m.app), subject(r.Collection, id))
		if err != nil {
			return n, err
		}
		if !usedUp && m.now().Sub(died) < refusedPause {
			// Refused a while ago; only a newer promise is worth a hurry.
			if _, err := m.outbox.Hurry(atomic.Of(m.app), subject(r.Collection, id)); err != nil {
				return n, err
			}
			continue
		}
		if err := m.again(r, id); err != nil {
			return n, fmt.Errorf("%s %s: %w", r.Collection, id, err)
		}
		n++
	}
	return n, nil
}

// compare finds rows whose copy was made under other settings.
func (m *Mirror) compare(ctx context.Context, r Resource) (n int, err error) {
	if r.Hash == nil {
		return 0, nil
	}
	unknown, failure := 0, error(nil)
	defer func() {
		if unknown > 0 {
			m.app.Logger().Warn("records cannot be compared with their copies", "collection", r.Collection, "records", unknown, "error", failure)
		}
	}()
	for after := ""; ; {
		rows, err := m.app.FindRecordsByFilter(r.Collection, "sync_status = {:synced} && id > {:after}", "id", page, 0,
			dbx.Params{"synced": collections.SyncSynced, "after": after})
		if err != nil {
			return n, fmt.Errorf("%s: %w", r.Collection, err)
		}
		for _, record := range rows {
			if err := ctx.Err(); err != nil {
				return n, err
			}
			after = record.Id
			hash, err := r.Hash(record)
			if err != nil {
				unknown, failure = unknown+1, err
				continue
			}
			if hash == record.GetString(hashField) {
				continue
			}
			if err := m.Touch(atomic.Of(m.app), r.Collection, record.Id); err != nil {
				return n, err
			}
			n++
		}
		if len(rows) < page {
			return n, nil
		}
	}
}
