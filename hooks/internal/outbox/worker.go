package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

const (
	// idle bounds a sleep: a row written by another process is found this late.
	idle = 30 * time.Second
	// pause follows a look that found due rows it may not take.
	pause = time.Second
	// stopGrace is what running deliveries get before they are cut off.
	stopGrace = 10 * time.Second
	// maxError fits the column.
	maxError = 900
)

// start runs the worker until o.stop.
func (o *Outbox) start() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running {
		return
	}
	o.running = true
	claiming, endClaiming := context.WithCancel(context.Background())
	delivering, cutOff := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := o.free(); err != nil {
			// The leases end by themselves, a minute and a half later.
			o.app.Logger().Error("rows of an earlier process were not freed", "error", err)
		}
		o.work(claiming, delivering)
	}()
	o.stop = sync.OnceFunc(func() {
		endClaiming()
		grace := time.AfterFunc(stopGrace, cutOff)
		<-done
		grace.Stop()
		cutOff()
		o.mu.Lock()
		o.running = false
		o.mu.Unlock()
	})
}

// free gives back what an earlier process had claimed: it is gone, because one
// server at a time works on a data directory. A command beside it that still
// delivers one of these rows is fenced off by its attempt number.
func (o *Outbox) free() error {
	now := rows.Stamp(o.now())
	_, err := atomic.Of(o.app).Exec(`UPDATE outbox SET status = ?, next_at = ?, lease_until = '' WHERE status = ?`,
		collections.OutboxPending, now, collections.OutboxRunning)
	return err
}

// work claims rows as long as a lane has one and a free worker, then waits for a
// nudge, a free worker or the next due row.
func (o *Outbox) work(claiming, delivering context.Context) {
	freed := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	for claiming.Err() == nil {
		for claiming.Err() == nil {
			r, err := o.claim()
			if err != nil {
				vitals.Of(o.app).Saw(err)
				o.app.Logger().Error("outbox cannot be read", "error", err)
			}
			if r == nil {
				break
			}
			wg.Go(func() {
				o.deliver(delivering, *r)
				select {
				case freed <- struct{}{}:
				default:
				}
			})
		}
		timer := o.sleep(o.untilNext())
		select {
		case <-claiming.Done():
		case <-o.nudge:
		case <-freed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Deliver delivers what is due now, one row after the other, and returns how
// many rows it tried. The job outbox.deliver and tests call it.
func (o *Outbox) Deliver(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		r, err := o.claim()
		if err != nil || r == nil {
			return n, err
		}
		o.deliver(ctx, *r)
	}
}

// claimDue takes the due row that has waited longest in a lane with a free worker. The
// lanes are walked by their index, so that however much waits in one that is full is
// passed over at once. ?1 is now, ?2 says of each kind until when it is claimed, ?3
// are the full lanes and ?4 the serial kinds.
const claimDue = `WITH RECURSIVE lanes(lane) AS (
	SELECT min(lane) FROM outbox INDEXED BY idx_outbox_lanes WHERE ` + collections.OutboxWaiting + `
	UNION ALL
	SELECT (SELECT min(o.lane) FROM outbox o INDEXED BY idx_outbox_lanes WHERE o.` + collections.OutboxWaiting + ` AND o.lane > lanes.lane)
	FROM lanes WHERE lanes.lane IS NOT NULL),
free(lane) AS (SELECT lane FROM lanes WHERE lane NOT IN (SELECT value FROM json_each(?3))),
due(id) AS (
	SELECT (SELECT o.id FROM outbox o WHERE o.` + collections.OutboxWaiting + ` AND o.lane = free.lane AND o.next_at <= ?1 AND ` + claimable + `
		ORDER BY o.next_at LIMIT 1) FROM free
	UNION ALL
	SELECT o.id FROM outbox o WHERE o.status = 'running' AND o.lease_until <= ?1 AND ` + claimable + `
	AND o.lane NOT IN (SELECT value FROM json_each(?3)))
UPDATE outbox SET status = 'running', attempts = attempts + 1, updated = ?1,
	lease_until = (SELECT value FROM json_each(?2) WHERE key = outbox.kind)
WHERE id = (SELECT o.id FROM due JOIN outbox o ON o.id = due.id ORDER BY o.next_at LIMIT 1)
RETURNING id, organization, kind, [key], lane, payload, attempts`

// claimable tells of a row o whether its kind may be delivered and, when that is
// serial, whether none of the same key up to the last colon is: rtrim(key, key without
// its colons).
const claimable = `o.kind IN (SELECT key FROM json_each(?2))
	AND NOT (o.kind IN (SELECT value FROM json_each(?4)) AND EXISTS (
		SELECT 1 FROM outbox b WHERE b.status = 'running' AND b.id != o.id AND b.kind = o.kind
		AND rtrim(b.[key], replace(b.[key], ':', '')) = rtrim(o.[key], replace(o.[key], ':', ''))))`

// claimed is a row under way and the lane it holds a worker of.
type claimed struct {
	Row
	lane string
}

// claim takes a due row, nil when no lane has one and a free worker. Its deliver gives
// the worker back.
func (o *Outbox) claim() (*claimed, error) {
	o.claiming.Lock()
	defer o.claiming.Unlock()
	now := o.now()
	if err := o.hurryKinds(rows.Stamp(now)); err != nil {
		return nil, err
	}
	leases, serial, full := o.open(now)
	if len(leases) == 0 {
		return nil, nil
	}
	args, err := texts(leases, full, serial)
	if err != nil {
		return nil, err
	}
	var r claimed
	var payload string
	err = atomic.One(atomic.Of(o.app), claimDue, append([]any{rows.Stamp(now)}, args...),
		&r.ID, &r.Organization, &r.Kind, &r.Key, &r.lane, &payload, &r.Attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("outbox: claim: %w", err)
	}
	r.Payload = json.RawMessage(payload)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.under.begin(o.handlers[r.Kind].Kind, r.Kind, r.lane)
	return &r, nil
}

// texts are values as JSON, for the arguments of a statement.
func texts(values ...any) (all []any, err error) {
	for _, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		all = append(all, string(raw))
	}
	return all, nil
}

// deliver hands a claimed row to its handler and closes it.
func (o *Outbox) deliver(ctx context.Context, r claimed) {
	k := o.kindOf(r.Kind)
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		ctx, cancel := context.WithTimeout(ctx, k.Timeout)
		defer cancel()
		return k.do(ctx, r.Row)
	}()
	vitals.Of(o.app).Saw(err)
	if closing := o.close(r.Row, err); closing != nil {
		vitals.Of(o.app).Saw(closing)
		// The lease ends and the row is tried again.
		o.app.Logger().Error("outbox row stays open", "kind", r.Kind, "key", r.Key, "error", closing)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.under.end(r.Kind, r.lane)
}

// close writes what became of a row. The attempt number fences off a handler
// that came back after its lease had ended: whoever has the row by then has a
// higher one, also after a try that was given back.
func (o *Outbox) close(r Row, failure error) error {
	now := o.now()
	status, attempts, text := collections.OutboxDone, r.Attempt, ""
	next, done, notBefore := rows.Stamp(now), rows.Stamp(now), ""
	if failure != nil {
		text = short(failure)
		v := o.kindOf(r.Kind).judge(r.Attempt, failure, o.jitter)
		switch log := o.app.Logger().With("kind", r.Kind, "key", r.Key, "attempt", r.Attempt, "error", text); {
		case v.dead:
			log.Error("outbox gave a row up")
		case v.free:
			log.Debug("outbox looks again later")
			attempts--
		default:
			log.Warn("outbox tries again later")
		}
		if status = collections.OutboxDead; !v.dead {
			status, next, done = collections.OutboxPending, rows.Stamp(now.Add(v.wait)), ""
		}
		if v.asked > 0 {
			notBefore = rows.Stamp(now.Add(v.asked))
		}
	}
	_, err := atomic.Of(o.app).Exec(`UPDATE outbox SET status = ?, attempts = ?, next_at = ?, lease_until = ?,
		done_at = ?, error = ?, updated = ? WHERE id = ? AND status = ? AND attempts = ?`,
		status, attempts, next, notBefore, done, text, rows.Stamp(now), r.ID, collections.OutboxRunning, r.Attempt)
	return err
}

// untilNext is how long the worker may sleep.
func (o *Outbox) untilNext() time.Duration {
	leases, _, _ := o.open(o.now())
	args, err := texts(leases)
	if err != nil || len(leases) == 0 {
		return idle
	}
	var next string
	err = atomic.One(atomic.Of(o.app), `SELECT next_at FROM outbox WHERE status = 'pending'
		AND kind IN (SELECT key FROM json_each(?)) ORDER BY next_at LIMIT 1`, args, &next)
	if err != nil {
		return idle
	}
	at, err := types.ParseDateTime(next)
	if err != nil {
		return pause
	}
	return min(max(at.Time().Sub(o.now()), pause), idle)
}

// open are the kinds that have a handler and not too many rows under way, each with
// the moment until which a row claimed now is leased, the serial ones of them, and the
// lanes that are full.
func (o *Outbox) open(now time.Time) (leases map[string]string, serial, full []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	leases, serial = map[string]string{}, []string{}
	for name, k := range o.handlers {
		if o.under.kinds[name] >= kindMost {
			continue
		}
		leases[name] = rows.Stamp(now.Add(k.lease()))
		if k.Serial {
			serial = append(serial, name)
		}
	}
	return leases, serial, o.under.full()
}

// short is an error fit to be stored and shown.
func short(err error) string {
	return rows.Shorten(sealed.Redact(err.Error()), maxError)
}
