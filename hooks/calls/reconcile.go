package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
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

// reconciler makes good what messages did not bring.
type reconciler struct {
	*engine
	// lastOpen and lastUnheard are the last calls that had their turn, of those that
	// are open and of those nobody hears of.
	lastOpen, lastUnheard string
}

// reconcile is the job calls.reconcile: it looks for calls the provider knows and
// we do not, for calls that stay open, and reports that never came.
func (rc *reconciler) reconcile(ctx context.Context, r *schedule.Run) error {
	if err := rc.open(); err != nil {
		return err
	}
	began := r.Now()
	if rc.Vapi.HasKey() { // without one there is no provider to ask
		if err := rc.askProvider(ctx, r, began); err != nil {
			return err
		}
	}
	return rc.closeUnheard(ctx, r, began)
}

// askProvider asks for what ended since the last run, and for the calls whose
// report is late or that have been open for long.
func (rc *reconciler) askProvider(ctx context.Context, r *schedule.Run, began time.Time) error {
	since := r.Watermark()
	if since.IsZero() {
		since = began.Add(-24 * time.Hour)
	}
	mark := began
	for call, err := range rc.Vapi.Calls.ListSince(ctx, since.Add(-overlap)) {
		if err != nil {
			return fmt.Errorf("list calls: %w", err)
		}
		if call.Status != "ended" || justEnded(call, began) { // the next run looks again, however long it goes on
			if at := call.CreatedAt.Time; !at.IsZero() && at.Before(mark) && at.After(began.Add(-refusedLimit)) {
				mark = at
			}
			continue
		}
		if err := rc.mend(ctx, call); err != nil {
			return err
		}
		r.Add(1)
	}
	if err := rc.askWaiting(ctx, r, began); err != nil {
		return err
	}
	// Calls are listed by the provider's clock. Where ours is ahead of it, calls
	// are still to come before the hour ours shows.
	if theirs := rc.Vapi.Answered(); !theirs.IsZero() && theirs.Before(mark) {
		mark = theirs
	}
	r.SetWatermark(mark)
	return nil
}

// askWaiting asks for each call that ought to be over and was not reported.
func (rc *reconciler) askWaiting(ctx context.Context, r *schedule.Run, began time.Time) error {
	waiting, err := rc.waiting(ctx, began)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		err := rc.ask(ctx, id, began)
		if refused := (*vapi.Error)(nil); err != nil && (ctx.Err() != nil || errors.As(err, &refused)) {
			return err // the provider is away, or refuses our key: no use in asking on
		}
		if err != nil { // it is asked for again, and keeps no other from its turn
			rc.app.Logger().Warn("call not made good", "call", id, "error", err)
		}
		r.Add(1)
	}
	return nil
}

// Organization by organization, so that only the last days of calls are walked,
// and of open ones those alone, however old they are.
var (
	selectUnreported = `SELECT c.vapi_call_id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_started_at
		WHERE c.organization = o.id AND c.started_at > ? AND c.vapi_call_id != '' AND c.reported_at = ''
		AND c.ended_at != '' AND c.ended_at < ? ORDER BY c.started_at DESC LIMIT ?`
	selectOpen = `SELECT c.vapi_call_id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
		WHERE c.organization = o.id AND c.status IN ('scheduled', 'queued', 'ringing', 'in_progress', 'forwarding') AND c.started_at < ?
		AND c.vapi_call_id > ? ORDER BY c.vapi_call_id LIMIT ?`
	selectUnheard = `SELECT c.id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
		WHERE c.organization = o.id AND c.status IN ('queued', 'ringing', 'in_progress', 'forwarding') AND c.started_at < ?
		AND ` + collections.AtNoProvider("c.") + ` AND c.id > ? ORDER BY c.id LIMIT ?`
)

// waiting are the provider's ids of calls it is asked after: those whose report
// is late, and those that have been open for long. Of the open ones each run
// takes the next, so that calls which really go on keep none from its turn.
func (rc *reconciler) waiting(ctx context.Context, now time.Time) ([]string, error) {
	late, err := rc.ids(ctx, selectUnreported, rows.Stamp(now.Add(-reportLimit)), rows.Stamp(now.Add(-reportGrace)),
		reconcileBatch)
	if err != nil {
		return nil, err
	}
	open, err := rc.turn(ctx, selectOpen, rows.Stamp(now.Add(-openLimit)), &rc.lastOpen)
	return append(late, open...), err
}

// turn reads the next rows of a query that ends in "> ? … LIMIT ?", and begins
// anew behind the last: what stays open keeps nothing behind it from its turn.
func (rc *reconciler) turn(ctx context.Context, query, before string, last *string) ([]string, error) {
	ids, err := rc.ids(ctx, query, before, *last, reconcileBatch)
	if err == nil && len(ids) == 0 && *last != "" {
		ids, err = rc.ids(ctx, query, before, "", reconcileBatch)
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
func (rc *reconciler) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	found, err := rc.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("calls to ask after: %w", err)
	}
	defer found.Close()
	var ids []string
	for found.Next() {
		var id string
		if err := found.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, found.Err()
}

// justEnded tells whether a call's report may still be on its way: the provider has
// what the call cost and how it is judged only when it sends it. Where the clocks
// differ by more than the report may take, nothing is waited for.
func justEnded(call *vapi.Call, now time.Time) bool {
	return now.Sub(call.EndedAt.Time).Abs() < reportGrace
}

// ask reads one call from the provider and mends ours.
func (rc *reconciler) ask(ctx context.Context, id string, now time.Time) error {
	call, err := rc.Vapi.Calls.Get(ctx, id)
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusGone:
		return rc.closeLost(ctx, id, reasonLost, openLimit)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// It says nothing of the call, and must not keep the others from being asked for.
		rc.app.Logger().Warn("the provider refuses to be asked for a call", "error", err)
		return rc.closeLost(ctx, id, reasonUnheard, refusedLimit)
	}
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	if call.Status != "ended" || justEnded(call, now) {
		return nil // still going on, or its report comes
	}
	return rc.mend(ctx, call)
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
func (rc *reconciler) mend(ctx context.Context, call *vapi.Call) error {
	m, err := call.Report()
	if err != nil {
		// One call nobody can read must not keep the others from being mended.
		rc.app.Logger().Warn("finished call not readable", "error", err)
		return rc.closeLost(ctx, call.ID, reasonUnread, 0)
	}
	p, err := rc.owner(ctx, m)
	if err != nil {
		return err
	}
	if p.organization == "" {
		return nil // another installation's call on the same account
	}
	box, err := inbox.Of(rc.app)
	if err != nil {
		return err
	}
	now, t := rc.Now(), vapifacts.Of(m)
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		return rc.applyTo(tx, t, p, nil, now)
	})
}

// selectLastSign is the last that was heard of a call, 0 for nothing.
const selectLastSign = `SELECT max(coalesce((SELECT max(position) FROM messages WHERE call = ?), 0), coalesce((SELECT max(position) FROM call_events WHERE call = ?), 0))`

// closeLost ends a call about which the provider has nothing more to say, when
// nothing was heard of it for as long as silence. It ended, as far as anybody
// knows, when it was last heard of: until now would be a duration, and a bill, of
// the time it was forgotten. A report that comes after all wins (reported).
func (rc *reconciler) closeLost(ctx context.Context, id, reason string, silence time.Duration) error {
	box, err := inbox.Of(rc.app)
	if err != nil {
		return err
	}
	now := rc.Now()
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		before, found, err := store.Load(tx, vapifacts.Source(id))
		if err != nil || !found || before.ReportedAt != 0 {
			return nil, err
		}
		var last fold.Instant
		if err := tx.Get(selectLastSign, []any{before.ID, before.ID}, &last); err != nil {
			return nil, fmt.Errorf("last sign of a call: %w", err)
		}
		if last = max(last, before.EndedAt, before.AnsweredAt, before.StartedAt); last > fold.At(now.Add(-silence)) {
			return nil, nil
		}
		after, ch := before, fold.Changes{}
		if !before.Over() {
			if after.EndedAt == 0 {
				after.EndedAt = last
			}
			after.Status, after.Outcome, after.EndedReason = collections.CallFailed, collections.OutcomeFailedVapi, reason
			if after.Resolution == collections.ResolutionPending {
				after.Resolution = collections.ResolutionFailed
			}
			ch.Reach("ended", after.EndedAt)
		}
		after.Measure()
		after.Reached(vapifacts.Reasons{})
		after.ReportedAt, after.ControlURL, after.ListenURL = fold.At(now), "", ""
		if _, err := rc.store.Save(tx, before, &after, true, ch, now); err != nil {
			return nil, err
		}
		return func() { rc.store.Tell(before, after, true, ch) }, nil
	})
}

// reported is a call as its report finds it: one that closeLost ended, which
// counts as reported and has no report, goes on until then.
func reported(tx *inbox.Tx, c fold.Call) (fold.Call, error) {
	if c.ReportedAt == 0 {
		return c, nil
	}
	if has, err := store.HasReport(tx, c.ID); err != nil || has {
		return c, err
	}
	return reopen(tx, c)
}

const updateReopened = `UPDATE calls SET reported_at = '', resolution_status = ? WHERE id = ?`

// reopen takes back that a call is lost: its report says how it went, and what
// follows from a report follows from this one.
func reopen(tx *inbox.Tx, c fold.Call) (fold.Call, error) {
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
func (rc *reconciler) closeUnheard(ctx context.Context, r *schedule.Run, now time.Time) error {
	ids, err := rc.turn(ctx, selectUnheard, rows.Stamp(now.Add(-unheardLimit)), &rc.lastUnheard)
	if err != nil {
		return err
	}
	for _, id := range ids {
		record, err := database.Found(rc.app.FindRecordById(collections.Calls, id))
		if err != nil {
			return err
		}
		if record == nil {
			continue // deleted since
		}
		record.Load(map[string]any{"status": collections.CallFailed, "outcome": collections.OutcomeFailedDesk,
			"ended_reason": reasonUnheard})
		if record.GetDateTime("ended_at").IsZero() {
			record.Set("ended_at", record.GetDateTime("started_at"))
		}
		record.IgnoreUnchangedFields(true)
		if err := rc.app.SaveWithContext(ctx, record); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// What does not validate any longer keeps no other call open.
			rc.app.Logger().Warn("call nobody heard of is not ended", "call", id, "error", err)
			continue
		}
		r.Add(1)
	}
	return nil
}
