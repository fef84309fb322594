package identity

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSettings_admit_addresses_of_their_networks(t *testing.T) {
	s := Settings{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
	for address, want := range map[string]bool{
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "2001:db8::9": true, "192.0.3.1": false, "::1": false, "2001:db9::1": false,
		"": false, "192.0.2.1, 10.0.0.1": false, "unknown": false,
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
		password: {true, false, false}, code: {false, true, false}, elsewhere: {false, false, true}, Invited: {true, true, false},
		SetUp: {true, true, false}, Impersonated: {true, true, true}, "": {false, false, false}, "second_factor": {false, false, false},
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
	agent := h.user(testkit.AcmeAgent)
	for method, want := range map[string]bool{"": false, Invited: true, SetUp: true, collections.AuthPassword: true} {
		answered, before := false, h.sessions(agent.Id)
		err := Enter(h.request("192.0.2.1"), agent, method, func(string) error { answered = true; return nil })
		if (err == nil) != want || answered != want || (h.sessions(agent.Id) == before+1) != want {
			t.Errorf("%q: got %v, answered %t, want %t", method, err, answered, want)
		}
	}
}

func TestLimiter_counts_in_windows_of_their_own(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	l := Limiter{Now: func() time.Time { return at }}
	for n := range 3 {
		if got := l.Hit("a", time.Minute); got != n+1 {
			t.Errorf("got %d, want %d", got, n+1)
		}
	}
	if got := l.Hit("b", time.Minute); got != 1 {
		t.Errorf("another key counts %d", got)
	}
	at = at.Add(time.Minute)
	if got := l.Hit("a", time.Minute); got != 1 {
		t.Errorf("after the window: got %d, want 1", got)
	}
	for n := range windowsMost + 10 {
		l.Hit(fmt.Sprint(n), time.Hour)
	}
	if len(l.windows) > windowsMost {
		t.Errorf("%d windows are kept, want at most %d", len(l.windows), windowsMost)
	}
}

func TestRecoveryCodes_are_ten_different_ones(t *testing.T) {
	codes, hashes := recoveryCodes()
	seen := map[string]bool{}
	for n, c := range codes {
		if seen[c] || len(c) != 11 || hashes[n] != recoveryHash(tidyCode(" "+c+" ")) {
			t.Errorf("code %d: %q", n, c)
		}
		seen[c] = true
	}
	if len(seen) != codesKept {
		t.Errorf("got %d codes", len(seen))
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
