package serving

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"
)

// pass sends a request through the gate; inside runs when it is let in.
func pass(t *testing.T, g *Gate, method string, inside func()) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	e := &core.RequestEvent{Event: router.Event{Response: w,
		Request: httptest.NewRequest(method, "/api/organizations", nil)}}
	var chain hook.Hook[*core.RequestEvent]
	chain.BindFunc(g.guard)
	err := chain.Trigger(e, func(*core.RequestEvent) error {
		inside()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return w
}

// What a request does outside keeps nobody waiting, and it hears of a gate that was
// closed meanwhile.
func TestGate_does_not_wait_for_what_is_outside(t *testing.T) {
	var g Gate
	out, back, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		pass(t, &g, http.MethodPost, func() {
			if g.Outside(func() { close(out); <-back }) {
				t.Error("it was closed meanwhile")
			}
		})
	}()
	<-out
	pass(t, &g, http.MethodPost, func() {
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	close(back)
	<-over
	g.Open()
	pass(t, &g, http.MethodPost, func() {
		if !g.Outside(func() {}) {
			t.Error("it is open")
		}
		if err := g.Close(t.Context()); err != nil { // alone inside
			t.Error(err)
		}
	})
}

func TestGate_keeps_changes_out_and_waits_for_those_inside(t *testing.T) {
	var g Gate
	in, out := make(chan struct{}), make(chan struct{})
	go pass(t, &g, http.MethodPost, func() { close(in); <-out })
	<-in
	over, cancel := context.WithCancel(t.Context())
	cancel()
	pass(t, &g, http.MethodPost, func() {
		if err := g.Close(over); !errors.Is(err, context.Canceled) {
			t.Errorf("somebody is inside: %v", err)
		}
	})
	if w := pass(t, &g, http.MethodPost, func() {}); w.Code != http.StatusOK {
		t.Errorf("it stays closed: %d", w.Code)
	}
	pass(t, &g, http.MethodPost, func() {
		closed := make(chan error)
		go func() { closed <- g.Close(t.Context()) }()
		for {
			w := pass(t, &g, http.MethodPatch, func() {})
			if w.Code == http.StatusServiceUnavailable {
				if w.Header().Get("Retry-After") == "" {
					t.Error("it does not say when to come again")
				}
				break
			}
		}
		reached := false
		pass(t, &g, http.MethodGet, func() { reached = true })
		if !reached {
			t.Error("reading is refused")
		}
		if err := g.Close(t.Context()); !errors.Is(err, ErrGate) {
			t.Errorf("a second one: %v", err)
		}
		close(out)
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
	g.Open()
	if w := pass(t, &g, http.MethodPost, func() {}); w.Code != http.StatusOK {
		t.Errorf("it is not open again: %d", w.Code)
	}
}
