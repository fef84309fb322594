package tenant

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/semaphore"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

const (
	// slowLists is how many lists may count or search big tables at once, and how
	// many pages of ours beside them; the other readers stay free for short queries.
	slowLists = 2
	// listPatience is how long a list waits for its turn before it is refused.
	listPatience = 10 * time.Second
)

// guard lets only so much listing happen at once.
type guard struct {
	most   int64
	memory *semaphore.Weighted
	slow   *queue // lists with filters of a client's making
	own    *queue // pages of ours
	wait   time.Duration
}

// queue lets slowLists through at once, and one of each account: nobody's lists can
// keep everybody else's waiting.
type queue struct {
	places *semaphore.Weighted
	mu     sync.Mutex
	of     map[string]*share
}

type share struct {
	place *semaphore.Weighted
	users int // that have it or wait for it
}

// waitMost is how many lists of one account wait at most.
const waitMost = 16

func newQueue() *queue {
	return &queue{places: semaphore.NewWeighted(slowLists), of: map[string]*share{}}
}

var errCrowd = errors.New("too many lists of one account wait already")

// enter waits for a place. The returned function gives it back.
func (q *queue) enter(ctx context.Context, account string) (leave func(), err error) {
	q.mu.Lock()
	own := q.of[account]
	if own == nil {
		own = &share{place: semaphore.NewWeighted(1)}
		q.of[account] = own
	}
	if own.users > waitMost {
		q.mu.Unlock()
		return nil, errCrowd
	}
	own.users++
	q.mu.Unlock()
	gone := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(q.of, account)
		}
	}
	if err := own.place.Acquire(ctx, 1); err != nil {
		gone()
		return nil, err
	}
	if err := q.places.Acquire(ctx, 1); err != nil {
		own.place.Release(1)
		gone()
		return nil, err
	}
	return func() {
		q.places.Release(1)
		own.place.Release(1)
		gone()
	}, nil
}

// account is whom a list's place counts for.
func account(e *core.RequestEvent) string {
	if e.Auth == nil {
		return ""
	}
	return e.Auth.Id
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
	if done, err = g.own.enter(ctx, account(e)); err != nil {
		return nil, busy(e)
	}
	return done, nil
}

// enter waits for the list's turn. The returned function ends it.
func (g *guard) enter(e *core.RequestEvent, l list) (func(), error) {
	if l.free {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
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
