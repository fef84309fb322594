package identity

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSettings_admit_addresses_of_their_networks(t *testing.T) {
	s := Settings{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
	for address, want := range map[string]bool{
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "2001:db8::9": true, "192.0.3.1": false, "::1": false,
		"2001:db9::1": false,
		"":            false, "192.0.2.1, 10.0.0.1": false, "unknown": false,
	} {
		if got := s.Admits(address); got != want {
			t.Errorf("%q: got %t, want %t", address, got, want)
		}
	}
	if !(Settings{}).Admits("203.0.113.1") || (Settings{Closed: true}).Admits("203.0.113.1") {
		t.Error("no list admits everybody, a list that cannot be read nobody")
	}
}

func TestSettings_take_the_ways_they_allow(t *testing.T) {
	const password, code, elsewhere = collections.AuthPassword, collections.AuthCode, collections.AuthOAuth
	for method, want := range map[string][3]bool{ // with a password only, a code only, an account elsewhere only
		password: {true, false, false}, code: {false, true, false}, elsewhere: {false, false, true},
		Invited: {true, true, false},
		SetUp:   {true, true, false}, Impersonated: {true, true, true}, "": {false, false, false},
		"second_factor": {false, false, false},
	} {
		for n, only := range []string{password, code, elsewhere} {
			if got := (Settings{Methods: []string{only}}).Takes(method); got != want[n] {
				t.Errorf("%q with %s only: got %t, want %t", method, only, got, want[n])
			}
		}
		if !(Settings{}).Takes(method) {
			t.Errorf("%q is refused where nothing is asked", method)
		}
	}
}

// A sign-in that does not say how it was proved is none.
func TestSignIn_without_a_method_is_refused(t *testing.T) {
	h := houseOf(t)
	agent := h.User(testkit.AcmeAgent)
	for method, want := range map[string]bool{"": false, Invited: true, SetUp: true, collections.AuthPassword: true} {
		answered, before := false, h.sessions(agent.Id)
		err := Enter(h.Request("192.0.2.1"), agent, method, func(string) error { answered = true; return nil })
		if (err == nil) != want || answered != want || (h.sessions(agent.Id) == before+1) != want {
			t.Errorf("%q: got %v, answered %t, want %t", method, err, answered, want)
		}
	}
}

func TestNewKey_shows_its_id_and_stores_no_secret(t *testing.T) {
	shown, hashed := NewKey("keyid0000000000")
	if len(hashed) != 64 || len(shown) != len("pk_keyid0000000000_")+43 {
		t.Errorf("got %q and %q", shown, hashed)
	}
	if again, _ := NewKey("keyid0000000000"); again == shown {
		t.Error("two keys are the same")
	}
}

func TestTickets_take_as_many_codes_as_the_table_says(t *testing.T) {
	h := houseOf(t)
	id := h.Entrance.tickets.add(&ticket{user: "u", ends: h.clock.Now().Add(ticketFor)}, h.clock.Now())
	for n := range guesses.FactorTries {
		if _, err := h.Entrance.tickets.take(id, h.clock.Now()); err != nil {
			t.Fatalf("try %d: %v", n+1, err)
		}
	}
	if _, err := h.Entrance.tickets.take(id, h.clock.Now()); !errors.Is(err, ErrTicket) {
		t.Errorf("one more: %v", err)
	}
	late := h.Entrance.tickets.add(&ticket{ends: h.clock.Now()}, h.clock.Now())
	if _, err := h.Entrance.tickets.take(late, h.clock.Now().Add(time.Second)); !errors.Is(err, ErrTicket) {
		t.Errorf("a late one: %v", err)
	}
	for n := range ticketsMost + 5 {
		h.Entrance.tickets.add(&ticket{ends: h.clock.Now().Add(time.Duration(n) * time.Second)}, h.clock.Now())
	}
	if n := len(h.Entrance.tickets.open); n > ticketsMost {
		t.Errorf("%d sign-ins wait, want at most %d", n, ticketsMost)
	}
}
