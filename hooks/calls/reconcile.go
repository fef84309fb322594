package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
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
	// reportLimit is how long a report is asked for after it did not come.
	reportLimit = 14 * 24 * time.Hour
	// openLimit is how long a call may be open before its state is asked for.
	openLimit = 15 * time.Minute
	// unheardLimit is when a call that somebody wrote down as going on is over:
	// there is no provider to ask.
	unheardLimit = 14 * 24 * time.Hour
	// refusedLimit is how long nothing must have been heard of a call whose id the
	// provider refuses to look at: no call is that long (the longest has twelve hours).
	refusedLimit = 24 * time.Hour
	// reconcileBatch bounds the calls of each kind asked for in one run.
	reconcileBatch = 200
)

// Why a call ended that nobody told us the end of, in words.
const (
	reasonLost    = "The phone provider no longer knows this call"
	reasonUnread  = "The phone provider's account of this call cannot be read"
	reasonUnheard = "Nothing more was heard of this call"
)

// NormalizeJob brings rows of before into the form rows have now.
const NormalizeJob = "calls.normalize"

// jobs are what runs by the clock.
func (e *engine) jobs() {
	e.Outbox.Handle(fetchKind, e.fetchRecording)
	e.Outbox.Handle(placeKind, e.keepPlacing)
	e.Vapi.OnRecovered(func() { // what is placed keeps its own times
		e.Outbox.HurryKind(fetchKind)
		e.Outbox.HurryKind(outbox.EraseCall)
	})
	e.Schedule.Add(schedule.Job{ID: "calls.reconcile", Spec: "*/10 * * * *", Run: e.reconcile})
	// Once: it has nothing to do after it came to its end. A start runs it as well.
	e.Schedule.Add(schedule.Job{ID: NormalizeJob, Spec: "43 * * * *", Run: e.normalize})
	e.Schedule.Add(schedule.Job{ID: "recordings.fetch", Spec: "5-59/10 * * * *", Run: e.fetchMissing})
	e.Schedule.Add(schedule.Job{ID: "inbox.retry", Spec: "* * * * *", Run: e.retry})
	e.Schedule.Add(schedule.Job{ID: "inbox.pack", Spec: "*/5 * * * *", Run: e.pack})
	e.Schedule.Add(schedule.Job{ID: "calls.index", Spec: "* * * * *", Run: e.fillIndex})
}

func atomicOf(app core.App) atomic.Tx { return atomic.Of(app) }

// reconcile makes good what messages did not bring: calls that are being placed, calls the provider knows
// and we do not, calls that stay open, and reports that never came.
func (e *engine) reconcile(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	if err := e.carryAll(ctx); err != nil {
		return err
	}
	began := r.Now()
	if e.Vapi.HasKey() { // without one there is no provider to ask
		if err := e.askProvider(ctx, r, began); err != nil {
			return err
		}
	}
	return e.closeUnheard(ctx, r, began)
}

// askProvider asks for what ended since the last run, and for the calls whose
// report is late or that have been open for long.
func (e *engine) askProvider(ctx context.Context, r *schedule.Run, began time.Time) error {
	since := r.Watermark()
	if since.IsZero() {
		since = began.Add(-24 * time.Hour)
	}
	mark := began
	for call, err := range e.Vapi.Calls.ListSince(ctx, since.Add(-overlap)) {
		if err != nil {
			return fmt.Errorf("list calls: %w", err)
		}
		if call.Status != "ended" { // the next run looks again, however long it goes on
			if at := call.CreatedAt.Time; !at.IsZero() && at.Before(mark) && at.After(began.Add(-refusedLimit)) {
				mark = at
			}
			continue
		}
		if err := e.mend(ctx, call); err != nil {
			return err
		}
		r.Add(1)
	}
	waiting, err := e.waiting(ctx, began)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		err := e.ask(ctx, id)
		if refused := (*vapi.Error)(nil); err != nil && (ctx.Err() != nil || errors.As(err, &refused)) {
			return err // the provider is away, or refuses our key: no use in asking on
		}
		if err != nil { // it is asked for again, and keeps no other from its turn
			e.app.Logger().Warn("call not made good", "call", id, "error", err)
		}
		r.Add(1)
	}
	// Calls are listed by the provider's clock. Where ours is ahead of it, calls
	// are still to come before the hour ours shows.
	if theirs := e.Vapi.Answered(); !theirs.IsZero() && theirs.Before(mark) {
		mark = theirs
	}
	r.SetWatermark(mark)
	return nil
}

// Organization by organization, so that only the last days of calls are walked,
// and of open ones those alone, however old they are.
const (
	selectUnreported = `SELECT c.vapi_call_id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_started_at
		WHERE c.organization = o.id AND c.started_at > ? AND c.vapi_call_id != '' AND c.reported_at = ''
		AND c.ended_at != '' AND c.ended_at < ? ORDER BY c.started_at DESC LIMIT ?`
	selectOpen = `SELECT c.vapi_call_id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
		WHERE c.organization = o.id AND c.status IN ('scheduled', 'queued', 'ringing', 'in_progress', 'forwarding') AND c.started_at < ?
		AND c.vapi_call_id > ? ORDER BY c.vapi_call_id LIMIT ?`
	selectUnheard = `SELECT c.id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
		WHERE c.organization = o.id AND c.status IN ('queued', 'ringing', 'in_progress', 'forwarding') AND c.started_at < ?
		AND c.vapi_call_id = '' AND c.id > ? ORDER BY c.id LIMIT ?`
)

// waiting are the provider's ids of calls it is asked after: those whose report
// is late, and those that have been open for long. Of the open ones each run
// takes the next, so that calls which really go on keep none from its turn.
func (e *engine) waiting(ctx context.Context, now time.Time) ([]string, error) {
	late, err := e.ids(ctx, selectUnreported, inbox.Date(now.Add(-reportLimit)), inbox.Date(now.Add(-reportGrace)), reconcileBatch)
	if err != nil {
		return nil, err
	}
	open, err := e.turn(ctx, selectOpen, inbox.Date(now.Add(-openLimit)), &e.askedOpen)
	return append(late, open...), err
}

// turn reads the next rows of a query that ends in "> ? … LIMIT ?", and begins
// anew behind the last: what stays open keeps nothing behind it from its turn.
func (e *engine) turn(ctx context.Context, query, before string, last *string) ([]string, error) {
	ids, err := e.ids(ctx, query, before, *last, reconcileBatch)
	if err == nil && len(ids) == 0 && *last != "" {
		ids, err = e.ids(ctx, query, before, "", reconcileBatch)
	}
	if err != nil {
		return nil, err
	}
	*last = ""
	if len(ids) == reconcileBatch {
		*last = ids[len(ids)-1]
	}
	return ids, nil
}

// ids reads one column.
func (e *engine) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := e.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("calls to ask after: %w", err)
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
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusGone:
		return e.closeLost(ctx, id, reasonLost, openLimit)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// It says nothing of the call, and must not keep the others from being asked for.
		e.app.Logger().Warn("the provider refuses to be asked for a call", "error", err)
		return e.closeLost(ctx, id, reasonUnheard, refusedLimit)
	}
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if call.Status != "ended" {
		return nil // still going on
	}
	return e.mend(ctx, call)
}

// statusOf is the status of a provider's refusal, 0 of anything else.
func statusOf(err error) int {
	if refused := (*vapi.Error)(nil); errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// mend applies a finished call as if its report had come. A report we have is
// left alone by apply.
func (e *engine) mend(ctx context.Context, call *vapi.Call) error {
	m, err := call.Report()
	if err != nil {
		// One call nobody can read must not keep the others from being mended.
		e.app.Logger().Warn("finished call not readable", "error", err)
		return e.closeLost(ctx, call.ID, reasonUnread, 0)
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

// selectLastSign is the last that was heard of a call, 0 for nothing.
const selectLastSign = `SELECT max(coalesce((SELECT max(position) FROM messages WHERE call = ?), 0), coalesce((SELECT max(position) FROM call_events WHERE call = ?), 0))`

// closeLost ends a call about which the provider has nothing more to say, when
// nothing was heard of it for as long as silence. It ended, as far as anybody
// knows, when it was last heard of: until now would be a duration, and a bill, of
// the time it was forgotten. A report that comes after all wins (reported).
func (e *engine) closeLost(ctx context.Context, id, reason string, silence time.Duration) error {
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
		var last instant
		if err := tx.Get(selectLastSign, []any{before.ID, before.ID}, &last); err != nil {
			return nil, fmt.Errorf("last sign of a call: %w", err)
		}
		if last = max(last, before.EndedAt, before.AnsweredAt, before.StartedAt); last > at(now.Add(-silence)) {
			return nil, nil
		}
		after, ch := before, changes{}
		if !before.over() {
			if after.EndedAt == 0 {
				after.EndedAt = last
			}
			after.Status, after.Outcome, after.EndedReason = collections.CallFailed, vapi.OutcomeFailedVapi, reason
			if after.Resolution == collections.ResolutionPending {
				after.Resolution = collections.ResolutionFailed
			}
			ch.status("ended", after.EndedAt)
		}
		after.measure()
		after.ReportedAt, after.ControlURL, after.ListenURL = at(now), "", ""
		if err := e.save(tx, before, &after, true, ch, now); err != nil {
			return nil, err
		}
		return func() { e.tell(before, after, true, ch) }, nil
	})
}

// reported is a call as its report finds it: one that closeLost ended, which
// counts as reported and has no report, goes on until then.
func reported(tx *inbox.Tx, c call) (call, error) {
	if c.ReportedAt == 0 {
		return c, nil
	}
	if has, err := hasReport(tx, c.ID); err != nil || has {
		return c, err
	}
	return reopen(tx, c)
}

const updateReopened = `UPDATE calls SET reported_at = '', resolution_status = ? WHERE id = ?`

// reopen takes back that a call is lost: its report says how it went, and what
// follows from a report follows from this one.
func reopen(tx *inbox.Tx, c call) (call, error) {
	c.ReportedAt = 0
	ours := c.EndedReason == reasonLost || c.EndedReason == reasonUnread || c.EndedReason == reasonUnheard
	if ours && c.Resolution == collections.ResolutionFailed {
		c.Resolution = collections.ResolutionPending
	}
	if _, err := tx.Exec(updateReopened, c.Resolution, c.ID); err != nil {
		return c, fmt.Errorf("reopen a lost call: %w", err)
	}
	return c, nil
}

// closeUnheard ends calls people wrote down as going on and left so.
func (e *engine) closeUnheard(ctx context.Context, r *schedule.Run, now time.Time) error {
	ids, err := e.turn(ctx, selectUnheard, inbox.Date(now.Add(-unheardLimit)), &e.lastUnheard)
	if err != nil {
		return err
	}
	for _, id := range ids {
		record, err := database.Found(e.app.FindRecordById(collections.Calls, id))
		if err != nil {
			return err
		}
		if record == nil {
			continue // deleted since
		}
		record.Load(map[string]any{"status": collections.CallFailed, "outcome": vapi.OutcomeFailedDesk, "ended_reason": reasonUnheard})
		if record.GetDateTime("ended_at").IsZero() {
			record.Set("ended_at", record.GetDateTime("started_at"))
		}
		record.IgnoreUnchangedFields(true)
		if err := e.app.SaveWithContext(ctx, record); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// What does not validate any longer keeps no other call open.
			e.app.Logger().Warn("call nobody heard of is not ended", "call", id, "error", err)
			continue
		}
		r.Add(1)
	}
	return nil
}

// maxAttempts is after how many failures a stored message is left for a person.
const maxAttempts = 10

// stored is a message that failed to apply.
type stored struct {
	key, organization, payload string
	attempts                   int
}

// retry applies stored messages that failed to apply.
func (e *engine) retry(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil {
		return err
	}
	rows, err := e.reads.QueryContext(ctx, `SELECT event_key, organization, payload, attempts FROM provider_events
		WHERE status = ? AND next_at <= ? AND provider = 'vapi' AND attempts < ? ORDER BY next_at LIMIT 500`,
		collections.EventErrored, inbox.Date(time.Now()), maxAttempts)
	if err != nil {
		return fmt.Errorf("failed messages: %w", err)
	}
	defer rows.Close()
	var all []stored
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.key, &s.organization, &s.payload, &s.attempts); err != nil {
			return err
		}
		all = append(all, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, s := range all {
		if err := e.applyStored(ctx, s); err != nil {
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
func (e *engine) applyStored(ctx context.Context, s stored) error {
	box, err := e.box()
	if err != nil {
		return err
	}
	now := time.Now()
	failure := e.applyPayload(ctx, box, s, now)
	if failure == nil {
		return nil
	}
	return errors.Join(failure, box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		_, err := tx.Exec(markLater, clip(failure.Error(), 500), inbox.Date(now.Add(time.Minute<<s.attempts)), inbox.Date(now), s.key)
		return nil, err
	}))
}

func (e *engine) applyPayload(ctx context.Context, box *inbox.Inbox, s stored, now time.Time) error {
	m, err := vapi.ParseMessage([]byte(s.payload))
	if err != nil {
		return err
	}
	p, err := e.owner(ctx, m)
	if err != nil {
		return err
	}
	p.only = s.organization // whom it spoke for when it came
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		after, err := e.applyTo(tx, m, p, nil, now)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(markApplied, inbox.Date(now), s.key)
		return after, err
	})
}
