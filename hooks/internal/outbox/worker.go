package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
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
	now := stamp(o.now())
	_, err := atomic.Of(o.app).Exec(`UPDATE outbox SET status = ?, next_at = ?, lease_until = '' WHERE status = ?`,
		collections.OutboxPending, now, collections.OutboxRunning)
	return err
}

// work claims rows as long as workers are free, then waits for a nudge, a free
// worker or the next due row.
func (o *Outbox) work(claiming, delivering context.Context) {
	free := make(chan struct{}, workers)
	freed := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	for claiming.Err() == nil {
		for len(free) < workers && claiming.Err() == nil {
			r, err := o.claim()
			if err != nil {
				o.app.Logger().Error("outbox cannot be read", "error", err)
			}
			if r == nil {
				break
			}
			free <- struct{}{}
			wg.Go(func() {
				o.deliver(delivering, *r)
				<-free
				select {
				case freed <- struct{}{}:
				default:
				}
			})
		}
		timer := time.NewTimer(o.untilNext())
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

// claim takes the due row that has waited longest, nil when there is none.
func (o *Outbox) claim() (*Row, error) {
	tx := atomic.Of(o.app)
	now := o.now()
	// A lease that ran out: its process died.
	if _, err := tx.Exec(`UPDATE outbox SET status = ?, next_at = ?, lease_until = '' WHERE status = ? AND lease_until <= ?`,
		collections.OutboxPending, stamp(now), collections.OutboxRunning, stamp(now)); err != nil {
		return nil, fmt.Errorf("outbox: end leases: %w", err)
	}
	if err := o.hurryKinds(stamp(now)); err != nil {
		return nil, err
	}
	kinds, serial := o.kinds()
	if len(kinds) == 0 {
		return nil, nil
	}
	// rtrim(key, key without its colons) is the key up to its last colon.
	const upToColon = `rtrim(%s.[key], replace(%[1]s.[key], ':', ''))`
	query := `UPDATE outbox SET status = ?, attempts = attempts + 1, lease_until = ?, updated = ? WHERE id = (
		SELECT o.id FROM outbox o WHERE o.status = ? AND o.next_at <= ? AND o.kind IN (` + marks(len(kinds)) + `)
		AND NOT (o.kind IN (` + marks(len(serial)) + `) AND EXISTS (
			SELECT 1 FROM outbox b WHERE b.status = ? AND b.kind = o.kind
			AND ` + fmt.Sprintf(upToColon, "b") + ` = ` + fmt.Sprintf(upToColon, "o") + `))
		ORDER BY o.next_at LIMIT 1)
		RETURNING id, organization, kind, [key], payload, attempts`
	args := []any{collections.OutboxRunning, stamp(now.Add(lease)), stamp(now), collections.OutboxPending, stamp(now)}
	args = append(append(args, kinds...), serial...)
	args = append(args, collections.OutboxRunning)
	var r Row
	var payload string
	err := atomic.One(tx, query, args, &r.ID, &r.Organization, &r.Kind, &r.Key, &payload, &r.Attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("outbox: claim: %w", err)
	}
	r.Payload = json.RawMessage(payload)
	return &r, nil
}

// deliver hands a claimed row to its handler and closes it.
func (o *Outbox) deliver(ctx context.Context, r Row) {
	o.mu.Lock()
	k := o.handlers[r.Kind]
	o.mu.Unlock()
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		ctx, cancel := context.WithTimeout(ctx, handlerTimeout)
		defer cancel()
		return k.do(ctx, r)
	}()
	if closing := o.close(r, err); closing != nil {
		// The lease ends and the row is tried again.
		o.app.Logger().Error("outbox row stays open", "kind", r.Kind, "key", r.Key, "error", closing)
	}
}

// close writes what became of a row. The attempt number fences off a handler
// that came back after its lease had ended.
func (o *Outbox) close(r Row, failure error) error {
	now := o.now()
	status, next, done, text, notBefore := collections.OutboxDone, stamp(now), stamp(now), "", ""
	if failure != nil {
		text = short(failure)
		wait, dead := verdict(r.Attempt, failure, o.jitter)
		if dead {
			status = collections.OutboxDead
			o.app.Logger().Error("outbox gave a row up", "kind", r.Kind, "key", r.Key, "attempt", r.Attempt, "error", text)
		} else {
			status, next, done = collections.OutboxPending, stamp(now.Add(wait)), ""
			if asked := (afterError{}); errors.As(failure, &asked) {
				notBefore = stamp(now.Add(asked.wait)) // nobody may hurry the row before
			}
			o.app.Logger().Warn("outbox tries again later", "kind", r.Kind, "key", r.Key, "attempt", r.Attempt, "error", text)
		}
	}
	_, err := atomic.Of(o.app).Exec(`UPDATE outbox SET status = ?, next_at = ?, lease_until = ?, done_at = ?, error = ?, updated = ?
		WHERE id = ? AND status = ? AND attempts = ?`,
		status, next, notBefore, done, text, stamp(now), r.ID, collections.OutboxRunning, r.Attempt)
	return err
}

// untilNext is how long the worker may sleep.
func (o *Outbox) untilNext() time.Duration {
	kinds, _ := o.kinds()
	if len(kinds) == 0 {
		return idle
	}
	var next string
	err := atomic.One(atomic.Of(o.app), `SELECT next_at FROM outbox WHERE status = ? AND kind IN (`+marks(len(kinds))+`)
		ORDER BY next_at LIMIT 1`, append([]any{collections.OutboxPending}, kinds...), &next)
	if err != nil {
		return idle
	}
	for _, layout := range []string{"2006-01-02 15:04:05.000Z", time.RFC3339} { // the driver may hand out either
		if at, err := time.Parse(layout, next); err == nil {
			return min(max(at.Sub(o.now()), pause), idle)
		}
	}
	return pause
}

// kinds are the kinds that have a handler, and those of them that are serial.
func (o *Outbox) kinds() (all, serial []any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, k := range o.handlers {
		all = append(all, name)
		if k.serial {
			serial = append(serial, name)
		}
	}
	return all, serial
}

func marks(n int) string {
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// short is an error fit to be stored and shown.
func short(err error) string {
	text := []rune(sealed.Redact(err.Error()))
	if len(text) > maxError {
		text = append(text[:maxError], '…')
	}
	return string(text)
}
