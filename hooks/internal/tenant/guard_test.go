package tenant

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

func TestGuard_lets_long_lists_wait_and_then_refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(DefaultListBytes)
		event := asked(nil)
		slow := list{bytes: 1, slow: true}
		var ends []func()
		for range slowLists {
			end, err := enter(g, event(), slow)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, end)
		}
		if end, err := enter(g, event(), list{bytes: 1}); err != nil {
			t.Errorf("a short list must not wait for long ones: %v", err)
		} else {
			end()
		}
		e := event()
		_, err := enter(g, e, slow)
		var refused *router.ApiError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			t.Errorf("one too many: got %v, want 503", err)
		}
		if e.Response.Header().Get("Retry-After") == "" {
			t.Error("the refusal does not say when to come back")
		}
		ends[0]()
		end, err := enter(g, event(), slow)
		if err != nil {
			t.Fatalf("after one ended: %v", err)
		}
		end()
		ends[1]()
		if !g.slow.empty() || !g.memory.TryAcquire(DefaultListBytes) {
			t.Error("something was not given back")
		}
	})
}

// enter is the guard's, with its patience.
func enter(g *guard, e *core.RequestEvent, l list) (func(), error) {
	ctx, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
	return g.enter(ctx, e, l)
}

// asked makes requests, each of another account.
func asked(app core.App) func() *core.RequestEvent {
	people, n := core.NewBaseCollection("people"), 0
	return func() *core.RequestEvent {
		n++
		e := new(core.RequestEvent)
		e.App, e.Request, e.Response = app, httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		e.Auth = core.NewRecord(people)
		e.Auth.Id = strconv.Itoa(n)
		return e
	}
}

func TestGuard_keeps_a_place_from_who_has_one(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(DefaultListBytes)
		event := asked(nil)
		greedy, slow := event(), list{bytes: 1, slow: true}
		end, err := enter(g, greedy, slow)
		if err != nil {
			t.Fatal(err)
		}
		refused := make(chan error, waitMost+1)
		for range waitMost + 1 {
			go func() {
				_, err := enter(g, greedy, slow)
				refused <- err
			}()
		}
		synctest.Wait()
		if len(refused) != 1 {
			t.Errorf("%d refused at once, want the one too many", len(refused))
		}
		other, err := enter(g, event(), slow)
		if err != nil {
			t.Fatalf("somebody else, while one account floods: %v", err)
		}
		other()
		for range waitMost + 1 {
			if <-refused == nil {
				t.Error("a second list of one account at once")
			}
		}
		end()
		if !g.slow.empty() {
			t.Errorf("accounts are still remembered: %+v", g.slow)
		}
	})
}

func TestTurn_of_pages_is_not_that_of_filters(t *testing.T) {
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(DefaultListBytes)
		app.Store().Set(guardKey, g)
		event := asked(app)
		for range slowLists {
			if _, err := enter(g, event(), list{bytes: 1, slow: true}); err != nil {
				t.Fatal(err)
			}
		}
		waits := make(chan error)
		go func() { // holds no room while it waits
			_, err := enter(g, event(), list{bytes: DefaultListBytes - slowLists, slow: true})
			waits <- err
		}()
		synctest.Wait()
		end, err := enter(g, event(), list{bytes: DefaultListBytes - slowLists})
		if err != nil {
			t.Fatalf("a short list, while a long one waits: %v", err)
		}
		end()
		if <-waits == nil {
			t.Error("a third long list at once")
		}
		var ends []func()
		for range slowLists {
			end, err := Turn(event())
			if err != nil {
				t.Fatalf("a page, while filters take their time: %v", err)
			}
			ends = append(ends, end)
		}
		e := event()
		_, err = Turn(e)
		var refused *router.ApiError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable ||
			e.Response.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: got %v, want 503", err)
		}
		ends[0]()
		if end, err := Turn(event()); err != nil {
			t.Errorf("after one ended: %v", err)
		} else {
			end()
		}
	})
}

func TestGuard_never_waits_for_a_page_bigger_than_everything(t *testing.T) {
	g := newGuard(DefaultListBytes)
	e := new(core.RequestEvent)
	e.Request = httptest.NewRequest("GET", "/", nil)
	end, err := enter(g, e, list{bytes: 10 * DefaultListBytes})
	if err != nil {
		t.Fatal(err)
	}
	end()
}

func FuzzLiteral_stays_one_value(f *testing.F) {
	for _, s := range []string{"", "a", `'`, `\`, `\'`, `' || id != '`, "a\n// b", `%_\%`, "\x00", `\\'`, "é\t\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, filter := range []string{"organization=" + Literal(value),
			and("organization="+Literal(value), "x="+Literal(value)+" // "+Literal("c"))} {
			got, err := conditionsOf(filter)
			if err != nil {
				t.Fatalf("%q: %v", filter, err)
			}
			if got.more || len(got.equal) > 2 {
				t.Fatalf("%q broke out: %+v", filter, got)
			}
		}
	})
}
