package sandbox

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// clock is the sandbox's own: the wall clock, and what a test moved it on by. It
// decides when a late request is carried out, so that no test waits for one.
type clock struct {
	mu      sync.Mutex
	ahead   time.Duration
	moved   chan struct{} // closed when it is moved
	waiting int
}

func newClock() *clock { return &clock{moved: make(chan struct{})} }

// Now is the time of the sandbox's own clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
	close(c.moved)
	c.moved = make(chan struct{})
}

// wait lets d pass on the clock; false when ctx ended before.
func (c *clock) wait(ctx context.Context, d time.Duration) bool {
	c.mu.Lock()
	due := time.Now().Add(c.ahead + d)
	c.waiting++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.waiting--
		c.mu.Unlock()
	}()
	for {
		c.mu.Lock()
		left, moved := time.Until(due.Add(-c.ahead)), c.moved
		c.mu.Unlock()
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-moved:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// Advance moves the sandbox's own clock on, as POST /_sandbox/clock does.
func (s *Server) Advance(by time.Duration) { s.clock.move(by) }

// Late is how many requests wait for the clock before they are carried out.
func (s *Server) Late() int {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	return s.clock.waiting
}

func (s *Server) showClock(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, object{"now": stamp(s.clock.Now()), "late": s.Late()})
	return nil
}

func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) error {
	var order struct {
		AdvanceMs int `json:"advanceMs"`
	}
	if err := decode(w, r, &order); err != nil {
		return err
	}
	if order.AdvanceMs < 0 {
		return refuse(http.StatusBadRequest, "advanceMs is not negative")
	}
	s.Advance(time.Duration(order.AdvanceMs) * time.Millisecond)
	return s.showClock(w, r)
}
