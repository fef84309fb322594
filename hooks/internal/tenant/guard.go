package tenant

import (
	"context"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"golang.org/x/sync/semaphore"
)

const (
	// slowLists is how many lists may count or search big tables at once; the
	// other readers stay free for short queries.
	slowLists = 2
	// listPatience is how long a list waits for its turn before it is refused.
	listPatience = 10 * time.Second
)

// guard lets only so much listing happen at once.
type guard struct {
	most   int64
	memory *semaphore.Weighted
	slow   *semaphore.Weighted
	wait   time.Duration
}

func newGuard(most int64) *guard {
	return &guard{most: most, memory: semaphore.NewWeighted(most), slow: semaphore.NewWeighted(slowLists), wait: listPatience}
}

// enter waits for the list's turn. The returned function ends it.
func (g *guard) enter(e *core.RequestEvent, l list) (func(), error) {
	if l.free {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
	bytes := min(max(l.bytes, 1), g.most)
	if err := g.memory.Acquire(ctx, bytes); err != nil {
		return nil, busy(e, busyLists)
	}
	if !l.slow {
		return func() { g.memory.Release(bytes) }, nil
	}
	if err := g.slow.Acquire(ctx, 1); err != nil {
		g.memory.Release(bytes)
		return nil, busy(e, busyLists)
	}
	return func() {
		g.slow.Release(1)
		g.memory.Release(bytes)
	}, nil
}

// retryAfter is when there will be room again: answers go out within seconds.
const retryAfter = "2"

const busyLists = "Too many long lists at once; try again shortly."

func busy(e *core.RequestEvent, sentence string) error {
	e.Response.Header().Set("Retry-After", retryAfter)
	return router.NewApiError(http.StatusServiceUnavailable, sentence, nil)
}
