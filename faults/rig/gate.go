package rig

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Gate stands between the product and the provider. When it is shut, what the
// product asks for is done, but the answer stays in the gate.
type Gate struct {
	*httptest.Server
	mu   sync.Mutex
	shut map[string]bool // "POST /assistant"
	held int
	open chan struct{}
}

// NewGate opens one before a provider's address.
func NewGate(t T, provider string) *Gate {
	t.Helper()
	at, err := url.Parse(provider)
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{shut: map[string]bool{}, open: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(at)
	proxy.ModifyResponse = func(res *http.Response) error {
		collection, _, _ := strings.Cut(strings.TrimPrefix(res.Request.URL.Path, "/"), "/")
		g.mu.Lock()
		hold, open := g.shut[res.Request.Method+" /"+collection], g.open
		if hold {
			g.held++
		}
		g.mu.Unlock()
		if hold {
			<-open
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request,
		_ error) {
		w.WriteHeader(http.StatusBadGateway)
	} // the asker is dead
	g.Server = httptest.NewServer(proxy)
	t.Cleanup(func() {
		g.Release()
		g.Close()
	})
	return g
}

// Hold keeps the answers of these requests from now on.
func (g *Gate) Hold(requests ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.held = make(chan struct{}), 0
	for _, r := range requests {
		g.shut[r] = true
	}
}

// Waiting is how many answers are kept.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// Release lets everything through again.
func (g *Gate) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.shut)
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}
