package serving

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// gateRetry is the Retry-After of what comes while a restore is under way, in
// seconds: the server is back within a few.
const gateRetry = "5"

// ErrGate says that the gate is closed already.
var ErrGate = errors.New("a restore is under way")

// Gate lets requests that change something in, or keeps all of them out: what
// would be acknowledged while the data are replaced would be lost (reliability.md
// B9). Reading goes on.
type Gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed when the last but one leaves
}

func (g *Gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside <= 1 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// Close keeps requests out and waits for those inside, but for the one that
// asks. When they take longer than ctx the gate is open again.
func (g *Gate) Close(ctx context.Context) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return ErrGate
	}
	g.closed = true
	if g.inside <= 1 {
		g.mu.Unlock()
		return nil
	}
	empty := make(chan struct{})
	g.empty = empty
	g.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		g.Open()
		return ctx.Err()
	}
}

// Outside does something for a request inside that may take long and acknowledges
// nothing: it is not waited for. It tells whether the gate is still open afterwards.
func (g *Gate) Outside(do func()) (open bool) {
	g.leave()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside++ // whoever let it in lets it out
		open = !g.closed
	}()
	do()
	return open
}

// Open lets requests in again.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.empty = false, nil
}

// guard is the gate in the chain.
func (g *Gate) guard(e *core.RequestEvent) error {
	switch e.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return e.Next()
	}
	if !g.enter() {
		e.Response.Header().Set("Retry-After", gateRetry)
		return refusal.Answer(e, refusal.Of("unavailable/restoring"))
	}
	defer g.leave()
	return e.Next()
}
