package guesses

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

var errWrong = errors.New("wrong")

// tries sends wrong values from these addresses and returns how many were looked at.
func (h *house) tries(what string, at target, n int, address func(n int) string) (looked int) {
	for k := range n {
		_ = h.try(h.Request(address(k)), what, at, func() error { looked++; return errWrong })
	}
	return looked
}

func anywhere(n int) string { return fmt.Sprintf("198.51.%d.%d", n/250, n%250+1) }
func home(int) string       { return "192.0.2.1" }

// Every kind of guess is counted as its row says, and by nothing else.
func TestTry_counts_as_the_table_says(t *testing.T) {
	for what, g := range table {
		if g.kept {
			continue // hooks/internal/factors
		}
		t.Run(what, func(t *testing.T) {
			h := houseOf(t)
			at := accountOf(h.User(testkit.AcmeAgent))
			if got := h.tries(what, at, g.most+5, anywhere); got != g.most {
				t.Errorf("%d values from anywhere were looked at, want %d", got, g.most)
			}
			if g.late > 0 && len(h.delays) != g.most-g.late {
				t.Errorf("%d answers were held back, want %d", len(h.delays), g.most-g.late)
			}
			for _, d := range h.delays {
				if d < delayFirst || d > delayMost {
					t.Errorf("an answer was held back for %s", d)
				}
			}
			// Another account, and one that nobody has, have counts of their own.
			for _, other := range []target{accountOf(h.User(testkit.BoltOwner)), {account: "users nobody@nowhere.test"}} {
				if h.tries(what, other, 1, anywhere) != 1 {
					t.Errorf("%s is counted with another account", other.account)
				}
			}
			// A new password, and the end of the window, begin anew.
			h.Forgive(at.record)
			if h.tries(what, at, 1, anywhere) != 1 {
				t.Error("a new password does not begin the count anew")
			}
			h.tries(what, at, g.most, anywhere)
			h.clock.Move(g.mostIn)
			if h.tries(what, at, 1, anywhere) != 1 {
				t.Error("the window does not end")
			}
			if g.own > 0 {
				if got := h.tries(what, target{account: "users one@nowhere.test"}, g.own+5, home); got != min(g.own, g.most) {
					t.Errorf("%d values from one address were looked at, want %d", got, min(g.own, g.most))
				}
			}
		})
	}
}

// A right value is no guess, whatever PocketBase says of it.
func TestTry_counts_wrong_values_only(t *testing.T) {
	h := houseOf(t)
	at := accountOf(h.User(testkit.AcmeAgent))
	for what, g := range table {
		for _, right := range []error{nil, apis.ErrMFA} {
			for n := range g.most + g.own + 5 {
				if err := h.try(h.Request(home(n)), what, at, func() error { return right }); !errors.Is(err, right) {
					t.Fatalf("%s: right value %d: %v", what, n+1, err)
				}
			}
		}
	}
	if len(h.delays) != 0 {
		t.Errorf("right values were held back: %v", h.delays)
	}
}

func TestTry_answers_too_many_and_looks_at_nothing(t *testing.T) {
	h := houseOf(t)
	at := accountOf(h.User(testkit.AcmeAgent))
	h.tries(guessAgain, at, table[guessAgain].most, anywhere)
	e := h.Request(home(0))
	if err := h.try(e, guessAgain, at, func() error { t.Error("it was looked at"); return nil }); err != nil {
		t.Fatal(err)
	}
	if w := e.Response.(*httptest.ResponseRecorder); w.Code != 429 || w.Header().Get("Retry-After") != "900" {
		t.Errorf("got %d, again after %q", w.Code, w.Header().Get("Retry-After"))
	}
}

// Somebody who signed up at one place of a network is at home in all of it.
func TestFamiliar_is_the_network_and_not_the_address(t *testing.T) {
	for name, c := range map[string]struct {
		used, from string
		more       map[string]any
		want       bool
	}{
		"the same address":                    {"192.0.2.1", "192.0.2.1", nil, true},
		"a neighbour":                         {"192.0.2.1", "192.0.2.2", nil, false},
		"the next address of an IPv6 at home": {"2001:db8:1:2:aaaa::1", "2001:db8:1:2:bbbb:cccc:dddd:1", nil, true},
		"another customer's":                  {"2001:db8:1:2::1", "2001:db8:1:3::1", nil, false},
		"IPv4 written as IPv6":                {"192.0.2.1", "::ffff:192.0.2.1", nil, true},
		"the other family":                    {"2001:db8::1", "192.0.2.1", nil, false},
		"no address":                          {"", "192.0.2.1", nil, false},
		"an old one": {"192.0.2.1", "192.0.2.1",
			map[string]any{"last_seen_at": time.Now().AddDate(0, 0, -40)}, false},
		"one that ended": {"192.0.2.1", "192.0.2.1", map[string]any{"ended_at": time.Now()}, true},
		"somebody else's": {"192.0.2.1", "192.0.2.1",
			map[string]any{"user": testkit.User(testkit.BoltOwner)}, false},
	} {
		h := houseOf(t)
		h.session(testkit.AcmeAgent, c.used, c.more)
		if got := h.familiar(h.Request(c.from), h.User(testkit.AcmeAgent)); got != c.want {
			t.Errorf("%s: used from %s, asked from %s: got %t, want %t", name, c.used, c.from, got, c.want)
		}
	}
	h := houseOf(t)
	root, err := h.App.FindFirstRecordByFilter(core.CollectionNameSuperusers, "")
	if err != nil || h.familiar(h.Request(home(0)), root) || h.familiar(h.Request(home(0)), nil) {
		t.Errorf("nobody and the operator have no sessions (%v)", err)
	}
}

// An account under attack opens from a network it is used in, late when the value
// is wrong, and from nowhere else.
func TestTry_leaves_an_account_open_where_it_is_used(t *testing.T) {
	h := houseOf(t)
	at := accountOf(h.User(testkit.AcmeOwner))
	h.session(testkit.AcmeOwner, "2001:db8:1:2::1", nil)
	h.tries(guessPassword, at, table[guessPassword].most+10, anywhere)
	h.delays = nil
	right := func(address string) (looked bool) {
		_ = h.try(h.Request(address), guessPassword, at, func() error { looked = true; return nil })
		return looked
	}
	if !right("2001:db8:1:2:ffff::9") || len(h.delays) != 0 {
		t.Errorf("at home: refused, or held back %v", h.delays)
	}
	if right("2001:db8:1:3::9") || right("203.0.113.9") {
		t.Error("a stranger is let in")
	}
	if h.tries(guessPassword, at, 1, func(int) string { return "2001:db8:1:2::5" }) != 1 || len(h.delays) != 1 {
		t.Errorf("a wrong value at home: held back %v, want once", h.delays)
	}
}

func TestCheckPassword_counts_wrong_ones_only(t *testing.T) {
	h := houseOf(t)
	agent, e := h.User(testkit.AcmeAgent), h.Request(home(0))
	for n := range 12 {
		if err := h.CheckPassword(e, agent, testkit.Password); err != nil {
			t.Fatalf("right, %d: %v", n+1, err)
		}
	}
	for n := range table[guessAgain].most {
		if err := h.CheckPassword(e, agent, "wrong"); !errors.Is(err, ErrPassword) {
			t.Errorf("wrong, %d: %v", n+1, err)
		}
	}
	if err := h.CheckPassword(e, agent, testkit.Password); !errors.Is(err, ErrLocked) {
		t.Errorf("after the wrong ones: %v", err)
	}
	// It is the same count as a new password's old one.
	if h.tries(guessAgain, accountOf(agent), 1, anywhere) != 0 {
		t.Error("the same password has two counts")
	}
}

// Superusers have no sessions: where one signed in is remembered, so that strangers'
// guesses keep nobody out of the panel.
func TestOperator_is_not_locked_out_by_strangers(t *testing.T) {
	h := houseOf(t)
	root, err := h.App.FindFirstRecordByFilter(core.CollectionNameSuperusers, "id != ''")
	if err != nil {
		t.Fatal(err)
	}
	at := accountOf(root)
	right := func(from string) error {
		return h.try(h.Request(from), guessPassword, at, func() error { return nil })
	}
	if err := right("192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	h.tries(guessPassword, at, table[guessPassword].most+10, anywhere)
	if err := right("192.0.2.1"); err != nil {
		t.Errorf("where they signed in: %v", err)
	}
	looked := false
	_ = h.try(h.Request("203.0.113.9"), guessPassword, at, func() error { looked = true; return nil })
	if looked {
		t.Error("a stranger's try is looked at after all were used up")
	}
}
