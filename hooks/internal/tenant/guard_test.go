package tenant

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

func TestGuard_lets_long_lists_wait_and_then_refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(DefaultListBytes)
		event := func() *core.RequestEvent {
			e := new(core.RequestEvent)
			e.Request = httptest.NewRequest("GET", "/", nil)
			e.Response = httptest.NewRecorder()
			return e
		}
		slow := list{bytes: 1, slow: true}
		var ends []func()
		for range slowLists {
			end, err := g.enter(event(), slow)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, end)
		}
		if end, err := g.enter(event(), list{bytes: 1}); err != nil {
			t.Errorf("a short list must not wait for long ones: %v", err)
		} else {
			end()
		}
		e := event()
		_, err := g.enter(e, slow)
		var refused *router.ApiError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			t.Errorf("one too many: got %v, want 503", err)
		}
		if e.Response.Header().Get("Retry-After") == "" {
			t.Error("the refusal does not say when to come back")
		}
		ends[0]()
		end, err := g.enter(event(), slow)
		if err != nil {
			t.Fatalf("after one ended: %v", err)
		}
		end()
		ends[1]()
		if !g.slow.TryAcquire(slowLists) || !g.memory.TryAcquire(DefaultListBytes) {
			t.Error("something was not given back")
		}
	})
}

func TestGuard_never_waits_for_a_page_bigger_than_everything(t *testing.T) {
	g := newGuard(DefaultListBytes)
	e := new(core.RequestEvent)
	e.Request = httptest.NewRequest("GET", "/", nil)
	end, err := g.enter(e, list{bytes: 10 * DefaultListBytes})
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
		for _, filter := range []string{"organization=" + Literal(value), and("organization="+Literal(value), "x="+Literal(value)+" // "+Literal("c"))} {
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
