package tenant

import (
	"context"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/semaphore"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// listPatience is how long a list waits for its turn before it is refused.
const listPatience = 10 * time.Second

// guard lets only so much listing happen at once.
type guard struct {
	most   int64
	memory *semaphore.Weighted
	slow   *queue // lists with filters of a client's making
	own    *queue // pages of ours
	lists  questions
	pages  questions
	wait   time.Duration
}

func newGuard(most int64) *guard {
	return &guard{most: most, memory: semaphore.NewWeighted(most), slow: newQueue(), own: newQueue(), wait: listPatience}
}

const guardKey = "pocketline.tenant.guard"

// Turn waits until a page of ours that may read far more rows than it shows may
// begin; the returned function ends it. Whoever waits too long is refused with 503.
// Lists with filters of a client's making have a queue of their own: one of them can
// take a hundred times as long.
func Turn(e *core.RequestEvent) (done func(), err error) {
	g, ok := e.App.Store().Get(guardKey).(*guard)
	if !ok { // without Register there is no queue
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
	return g.turn(ctx, e)
}

func (g *guard) turn(ctx context.Context, e *core.RequestEvent) (done func(), err error) {
	if done, err = g.own.enter(ctx, account(e)); err != nil {
		return nil, busy(e)
	}
	return done, nil
}

// enter waits for the list's turn, as long as ctx says. The returned function ends it.
func (g *guard) enter(ctx context.Context, e *core.RequestEvent, l list) (func(), error) {
	if l.free {
		return func() {}, nil
	}
	leave := func() {}
	if l.slow { // first, so that those who wait hold no room others could use
		var err error
		if leave, err = g.slow.enter(ctx, account(e)); err != nil {
			return nil, busy(e)
		}
	}
	bytes := min(max(l.bytes, 1), g.most)
	if err := g.memory.Acquire(ctx, bytes); err != nil {
		leave()
		return nil, busy(e)
	}
	return func() {
		g.memory.Release(bytes)
		leave()
	}, nil
}

// retryAfter is when there will be room again: answers go out within seconds.
const retryAfter = "2"

func busy(e *core.RequestEvent) error {
	if err := e.Request.Context().Err(); err != nil {
		return err // nobody waits any more
	}
	e.Response.Header().Set("Retry-After", retryAfter)
	return refusal.Of("unavailable/lists")
}
