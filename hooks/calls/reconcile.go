package calls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// overlap is how far before the last reconciliation the next one looks, for
	// calls the provider lists late.
	overlap = 15 * time.Minute
	// reportGrace is how long a report may take before it is asked for: it comes
	// seconds after the end, when the analysis is done.
	reportGrace = 2 * time.Minute
	// openLimit is how long a call may be open before its state is asked for.
	openLimit = 15 * time.Minute
	// reconcileBatch bounds the calls asked for in one run.
	reconcileBatch = 200
)

// jobs are what runs by the clock.
func (e *engine) jobs() {
	e.Outbox.Handle(fetchKind, e.fetchRecording)
	e.Schedule.Add(schedule.Job{ID: "calls.reconcile", Spec: "*/10 * * * *", Run: e.reconcile})
	e.Schedule.Add(schedule.Job{ID: "recordings.fetch", Spec: "5-59/10 * * * *", Run: e.fetchMissing})
	e.Schedule.Add(schedule.Job{ID: "inbox.retry", Spec: "* * * * *", Run: e.retry})
	e.Schedule.Add(schedule.Job{ID: "inbox.pack", Spec: "*/5 * * * *", Run: e.pack})
}

func atomicOf(app core.App) atomic.Tx { return atomic.Of(app) }

// reconcile makes good what messages did not bring: calls the provider knows
// and we do not, calls that stay open, and reports that never came.
func (e *engine) reconcile(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	began := time.Now()
	since := r.Watermark()
	if since.IsZero() {
		since = began.Add(-24 * time.Hour)
	}
	for call, err := range e.Vapi.Calls.ListSince(ctx, since.Add(-overlap)) {
		if err != nil {
			return fmt.Errorf("list calls: %w", err)
		}
		if call.Status != "ended" {
			continue
		}
		if err := e.mend(ctx, call); err != nil {
			return err
		}
		r.Add(1)
	}
	waiting, err := e.unreported(ctx, began)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := e.ask(ctx, id); err != nil {
			return err
		}
		r.Add(1)
	}
	r.SetWatermark(began)
	return nil
}

// Organization by organization, so that only the last days of calls are walked.
const selectUnreported = `SELECT c.vapi_call_id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_started_at
	WHERE c.organization = o.id AND c.started_at > ? AND c.vapi_call_id != '' AND c.reported_at = ''
	AND ((c.ended_at != '' AND c.ended_at < ?) OR (c.ended_at = '' AND c.started_at < ?)) ORDER BY c.started_at DESC LIMIT ?`

// unreported are the provider's ids of calls whose report is late.
func (e *engine) unreported(ctx context.Context, now time.Time) ([]string, error) {
	rows, err := e.reads.QueryContext(ctx, selectUnreported,
		inbox.Date(now.AddDate(0, 0, -14)), inbox.Date(now.Add(-reportGrace)), inbox.Date(now.Add(-openLimit)), reconcileBatch)
	if err != nil {
		return nil, fmt.Errorf("unreported calls: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// ask reads one call from the provider and mends ours.
func (e *engine) ask(ctx context.Context, id string) error {
	call, err := e.Vapi.Calls.Get(ctx, id)
	if vapi.IsNotFound(err) {
		return e.closeLost(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if call.Status != "ended" {
		return nil // still going on
	}
	return e.mend(ctx, call)
}

// mend applies a finished call as if its report had come. A report we have is
// left alone by apply.
func (e *engine) mend(ctx context.Context, call *vapi.Call) error {
	m, err := call.Report()
	if err != nil {
		// One call nobody can read must not keep the others from being mended.
		e.app.Logger().Warn("finished call not readable", "error", err)
		return nil
	}
	p, err := e.owner(ctx, m)
	if err != nil {
		return err
	}
	if p.organization == "" {
		return nil // another installation's call on the same account
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	now := time.Now()
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		return e.applyTo(tx, m, p, nil, now)
	})
}

// closeLost ends a call the provider has erased: nothing more will be known.
func (e *engine) closeLost(ctx context.Context, id string) error {
	box, err := e.box()
	if err != nil {
		return err
	}
	now := time.Now()
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		before, found, err := load(tx, id)
		if err != nil || !found || before.ReportedAt != 0 {
			return nil, err
		}
		after := before
		fill(&after.EndedReason, "call-deleted")
		after.EndedAt = after.EndedAt.earlier(at(now))
		after.close()
		after.measure()
		after.ReportedAt, after.ControlURL, after.ListenURL = at(now), "", ""
		if err := e.save(tx, before, &after, true, changes{}, now); err != nil {
			return nil, err
		}
		return func() { e.tell(before, after, true, changes{}) }, nil
	})
}

// maxAttempts is after how many failures a stored message is left for a person.
const maxAttempts = 10

// retry applies stored messages that failed to apply.
func (e *engine) retry(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	rows, err := e.reads.QueryContext(ctx, `SELECT event_key, payload, attempts FROM provider_events
		WHERE status = ? AND next_at <= ? AND provider = 'vapi' AND attempts < ? ORDER BY next_at LIMIT 500`,
		collections.EventErrored, inbox.Date(time.Now()), maxAttempts)
	if err != nil {
		return fmt.Errorf("failed messages: %w", err)
	}
	defer rows.Close()
	type stored struct {
		key, payload string
		attempts     int
	}
	var all []stored
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.key, &s.payload, &s.attempts); err != nil {
			return err
		}
		all = append(all, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, s := range all {
		if err := e.applyStored(ctx, s.key, []byte(s.payload), s.attempts); err != nil {
			e.app.Logger().Warn("provider message still does not apply", "error", err)
		}
		r.Add(1)
	}
	return ctx.Err()
}

const (
	markApplied = `UPDATE provider_events SET status = 'applied', error = '', next_at = '', updated = ? WHERE provider = 'vapi' AND event_key = ?`
	markLater   = `UPDATE provider_events SET attempts = attempts + 1, error = ?, next_at = ?, updated = ? WHERE provider = 'vapi' AND event_key = ?`
)

// applyStored applies one stored message; the effect and the mark commit
// together. What still fails is put off, longer each time.
func (e *engine) applyStored(ctx context.Context, key string, payload []byte, attempts int) error {
	box, err := e.box()
	if err != nil {
		return err
	}
	now := time.Now()
	failure := e.applyPayload(ctx, box, key, payload, now)
	if failure == nil {
		return nil
	}
	return errors.Join(failure, box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		_, err := tx.Exec(markLater, clip(failure.Error(), 500), inbox.Date(now.Add(time.Minute<<attempts)), inbox.Date(now), key)
		return nil, err
	}))
}

func (e *engine) applyPayload(ctx context.Context, box *inbox.Inbox, key string, payload []byte, now time.Time) error {
	m, err := vapi.ParseMessage(payload)
	if err != nil {
		return err
	}
	p, err := e.owner(ctx, m)
	if err != nil {
		return err
	}
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		after, err := e.applyTo(tx, m, p, nil, now)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(markApplied, inbox.Date(now), key)
		return after, err
	})
}
