package calls

import (
	"sync"
	"time"
)

const (
	// DefaultRate is how many messages a second one organization may send: well
	// above what its lines can produce (security.md S29).
	DefaultRate = 1000
	// outboundRate is how many calls a minute one organization may place
	// (security.md S40).
	outboundRate = 20
)

// pace counts per organization and window, so that one noisy line cannot take
// the writer from the others, and a stolen account cannot ring the world.
type pace struct {
	mu     sync.Mutex
	limit  int
	window time.Duration
	now    int64
	seen   map[string]int
}

func newPace(limit int, window time.Duration) *pace {
	return &pace{limit: limit, window: window, seen: map[string]int{}}
}

func (p *pace) allow(organization string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := now.UnixNano() / int64(p.window); w != p.now {
		p.now = w
		clear(p.seen)
	}
	p.seen[organization]++
	return p.seen[organization] <= p.limit
}
